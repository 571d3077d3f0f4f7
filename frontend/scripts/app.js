// The scripts of ordinary pages: the components of the design system that we use, and drafts that save themselves.
import {
  createAll,
  Button,
  CharacterCount,
  Checkboxes,
  ErrorSummary,
  NotificationBanner,
  Radios,
  ServiceNavigation,
  SkipLink,
} from "govuk-frontend";

import { saveDrafts } from "./autosave.js";
import { selectAll } from "./selectall.js";
import { renewOnSubmit } from "./session.js";

for (const component of [
  Button,
  CharacterCount,
  Checkboxes,
  ErrorSummary,
  NotificationBanner,
  Radios,
  ServiceNavigation,
  SkipLink,
]) {
  createAll(component);
}

for (const place of document.querySelectorAll("[data-autosave]")) saveDrafts(place);
for (const box of document.querySelectorAll("[data-select-all]")) selectAll(box);
for (const form of document.querySelectorAll("form[data-renew]")) renewOnSubmit(form);
