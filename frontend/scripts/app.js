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

for (const form of document.querySelectorAll("form[data-autosave]")) saveDrafts(form);
for (const box of document.querySelectorAll("[data-select-all]")) selectAll(box);
