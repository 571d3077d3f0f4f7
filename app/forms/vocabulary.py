"""What a form file may say: the component types, their attributes and our `properties`, as `docs/developers/forms.md` lists them.

A stock form-js editor keeps all of this. An unknown component type makes it reject the whole file, and so do we.
"""

from __future__ import annotations

from typing import Final

QUESTION_TYPES: Final = frozenset(
    {
        "textfield",
        "textarea",
        "number",
        "datetime",
        "radio",
        "select",
        "checklist",
        "taglist",
        "checkbox",
        "filepicker",
    }
)
CHOICE_TYPES: Final = frozenset({"radio", "select", "checklist", "taglist"})
FREE_TEXT_TYPES: Final = frozenset({"textfield", "textarea", "filepicker"})
DISPLAY_TYPES: Final = frozenset({"text", "separator", "spacer", "table"})
CONTAINER_TYPES: Final = frozenset({"group", "dynamiclist"})
KNOWN_TYPES: Final = QUESTION_TYPES | DISPLAY_TYPES | CONTAINER_TYPES | {"expression"}

REFUSED_TYPES: Final = {
    "html": "Write the text in a text component; it may hold Markdown.",
    "iframe": "Write a link in a text component instead.",
    "button": "Remove it; the page draws its own buttons.",
    "image": "Describe what the picture shows in a text component.",
    "documentPreview": "Remove it; the case page shows the documents.",
}

SENSITIVITIES: Final = frozenset(
    {
        "personal",
        "victim-identity",
        "victim-address",
        "victim-safety",
        "special-category",
        "criminal",
        "third-party",
        "none",
    }
)
# What names or finds a person may not become a process variable, whatever its type (the engine holds no direct identifier).
IDENTIFYING: Final = frozenset({"personal", "victim-identity", "victim-address", "third-party"})

VALUE_TYPES: Final = frozenset({"boolean", "number", "string", "date", "date and time", "time", "id", "enum", "list"})
TEXT_ROLES: Final = frozenset({"error", "notice"})
CHECKBOX_ROLES: Final = frozenset({"attestation", "signature"})
REFERENCES: Final = frozenset({"person", "agency", "user", "party", "case", "meeting", "action"})
KINDS: Final = frozenset({"fact", "opinion"})
INPUT_MODES: Final = frozenset({"text", "tel", "email", "numeric", "decimal", "url", "search"})

# Property name -> the component types that may carry it.
_QUESTION = QUESTION_TYPES
_MARKED = QUESTION_TYPES | CONTAINER_TYPES | {"expression"}
PROPERTIES: Final[dict[str, frozenset[str]]] = {
    "sensitivity": _MARKED,
    "kind": _MARKED,
    "basis": _MARKED | {"text"},
    "variable": _QUESTION | {"expression"},
    "valueType": _QUESTION | {"expression"},
    "role": frozenset({"text", "checkbox"}),
    "at": frozenset({"text"}),
    "requiredMessage": _QUESTION,
    "minItems": frozenset({"dynamiclist"}),
    "maxItems": frozenset({"dynamiclist"}),
    "itemLabel": frozenset({"dynamiclist"}),
    "rowsFrom": frozenset({"dynamiclist"}),
    "rowKey": frozenset({"dynamiclist"}),
    "ref": frozenset({"select", "radio", "checklist", "taglist", "expression"}),
    "max": frozenset({"datetime"}),
    "min": frozenset({"datetime"}),
    "autocomplete": frozenset({"textfield", "textarea", "number", "datetime"}),
    "inputmode": frozenset({"textfield", "number"}),
    "summary": _QUESTION | CONTAINER_TYPES | {"expression"},
    "prefill": _QUESTION | {"dynamiclist"},
    "whenEmpty": _QUESTION | {"dynamiclist", "expression", "table"},
}

# Process variable types, as a process declares them, that a question's value type can fill.
DECLARED_FOR: Final[dict[str, frozenset[str]]] = {
    "boolean": frozenset({"boolean"}),
    "number": frozenset({"number"}),
    "string": frozenset({"string"}),
    "date": frozenset({"date"}),
    "date and time": frozenset({"date and time"}),
    "time": frozenset({"time"}),
    "id": frozenset({"id"}),
    "enum": frozenset({"enum", "string"}),
    "list": frozenset({"list"}),
}

# What a form is told (docs/developers/form-context.md), unless the caller of `check` says otherwise.
CONTEXT_NAMES: Final = frozenset(
    {
        "action",
        "advocateAgencies",
        "agencies",
        "agencyType",
        "agencyUsers",
        "agendaCases",
        "attendee",
        "attendees",
        "caseAgencies",
        "discussion",
        "invitationsForApproval",
        "iswcForms",
        "late",
        "latest",
        "legalHold",
        "matchCandidates",
        "matchesLeftOut",
        "me",
        "meeting",
        "meetings",
        "openActions",
        "papers",
        "params",
        "parties",
        "people",
        "perpetratorDecisions",
        "riskChecklists",
        "riskTools",
        "suggestedSlot",
        "task",
        "users",
        "variables",
    }
)
# form-js's own names inside a repeating group, and the row number with them.
SCOPE_NAMES: Final = frozenset({"this", "parent", "i"})
