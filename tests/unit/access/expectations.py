"""What each role may see and do with a case, written down from the procedure and not from the rules: 01-marac §9, DMN-M6, DMN-M7, 06 §1.

One line: permissions | relation of the person's agency (or "area") | phases | roles. What is on no line is refused.
Phases: D draft, M added to an earlier case, B before the agenda, C circulated, I in conference, A after, Z closed, X disposed.
Relations: see `RELATIONS` in test_case_matrix.py.
"""

from __future__ import annotations

ROLES = {
    "rp": "referring-practitioner",
    "am": "authorising-manager",
    "idva": "idva",
    "im": "idva-manager",
    "co": "marac-coordinator",
    "ch": "marac-chair",
    "dc": "deputy-chair",
    "sp": "agency-spoc",
    "de": "agency-deputy",
    "re": "agency-representative",
    "le": "agency-strategic-lead",
    "gu": "guest-representative",
    "po": "police-representative",
    "di": "csu-detective-inspector",
    "ow": "process-owner",
    "au": "auditor",
    "op": "operator",
    "outside": "outside-worker",
}

PHASES = {
    "D": "draft",
    "M": "added",
    "B": "before-agenda",
    "C": "circulated",
    "I": "in-conference",
    "A": "after",
    "Z": "closed",
    "X": "disposed",
}

TABLE = """
# Reference, state, dates, and the parties' names
list summary timeline deadline diagram party | referrer      | DMBCIAZ | rp am idva im sp de re po le
list summary timeline deadline diagram party | area          | BCIAZ  | co ch dc
list summary timeline deadline diagram party | area          | BCI    | idva im
list summary timeline deadline diagram party | area          | Z      | di
list summary timeline deadline diagram party | asked         | CI     | sp de re po le
list summary timeline deadline diagram party | pack          | C      | re po idva im
list summary timeline deadline diagram party | room          | I      | rp am idva im sp de re po le
list summary timeline deadline diagram party | kept          | AZ     | rp am idva im sp de re po le
list summary timeline deadline diagram party | lead-advocate | AZ     | idva im
# A checklist that adds to an earlier case (B3n, DMN-M3 row 4): what the Co-ordinator and the Chair have of that case, of what it holds
list summary timeline deadline diagram party | area          | M      | co ch dc
risk-checklist victim-address                | area          | M      | co ch dc
victim-safety match conflict:record          | area          | M      | co
# The whole way of the case: agencies that are asked, sit in the room or keep it see their own part of it only
path                                         | referrer      | DMBCIAZ | rp am idva im sp de re po le
path                                         | area          | BCIAZ  | co ch dc
path                                         | area          | BCI    | idva im
path                                         | area          | Z      | di
path                                         | kept          | AZ     | idva im
path                                         | lead-advocate | AZ     | idva im
list summary party                           | guest         | C      | gu
list summary party                           | room          | I      | gu
list summary party                           | kept          | AZ     | gu

# The referral and the risk checklist: Co-ordinator, Chair, core representatives of the listed case, the referrer, the IDVA
referral risk-checklist | referrer | DMBCIAZ | rp am idva im sp de re po
referral risk-checklist | area     | BCIAZ  | co ch dc
referral risk-checklist | area     | BCI    | idva im
referral risk-checklist | pack     | C      | re po idva im
referral risk-checklist | room     | I      | rp am idva im sp de re po le

# Where the victim lives: whoever has the referral, whoever searches for her, and who keeps the case
victim-address | referrer      | DMBCIAZ | rp am idva im sp de re po
victim-address | area          | BCIAZ  | co ch dc
victim-address | area          | BCI    | idva im
victim-address | asked         | CI     | sp de re po le
victim-address | pack          | C      | re po idva im
victim-address | room          | I      | rp am idva im sp de re po le
victim-address | kept          | AZ     | sp de re po le idva im
victim-address | lead-advocate | AZ     | idva im

# How to reach her safely: who wrote it, the Co-ordinator, and the IDVA, who alone uses it
victim-safety | referrer      | DMBCIAZ | rp am idva im sp de re po
victim-safety | area          | BCIAZ  | co
victim-safety | area          | BCI    | idva im
victim-safety | kept          | AZ     | idva im
victim-safety | lead-advocate | AZ     | idva im

# Agreement, sharing without it, and the decision on the perpetrator's data
consent sharing-without-consent perpetrator-decision | referrer | DMBCIAZ | rp am idva im sp de re po
consent sharing-without-consent perpetrator-decision | area     | BCIAZ  | co
perpetrator-decision                                 | area     | BCIAZ  | au

# The IDVA's contact with the victim, and what she said afterwards
advocacy        | area          | BCIAZ | co ch dc
advocacy        | area          | BCI   | idva im
advocacy        | kept          | AZ    | idva im
advocacy        | lead-advocate | AZ    | idva im
victim-feedback | area          | BCIAZ | co ch dc
victim-feedback | kept          | AZ    | idva im
victim-feedback | lead-advocate | AZ    | idva im

# What an agency holds: its own paper, and shared item by item
research:read-own      | asked | CI | sp de re po le
research:read-own      | pack  | C  | re po idva im
research:read-own      | guest | C  | gu
research:read-own      | room  | I  | rp am idva im sp de re po le gu
research:read-own      | kept  | AZ | sp de re po le
research:read-released | area  | BCIAZ | co ch dc
research:read-released | pack  | C  | re po idva im
research:read-released | room  | I  | rp am idva im sp de re po le gu
research:answer        | asked-open | CI | sp de re po le
research:release       | asked | CI | sp de re po
research:release       | room  | I  | rp am idva im sp de re po le
nothing-held           | area  | BCIAZ | co

# What the meeting said and agreed
minutes:read    | area          | BCIAZ | co ch dc
minutes:read    | area          | Z     | di
minutes:read    | kept          | AZ    | sp de re po le gu idva im
minutes:read    | lead-advocate | AZ    | idva im
minutes:draft   | area          | BCIAZ | co
minutes:approve | area          | BCIAZ | ch
action          | area          | BCIAZ | co ch dc
action          | area          | Z     | di
action          | room          | I     | rp am idva im sp de re po le gu
action          | kept          | AZ    | rp am idva im sp de re po le gu
action          | lead-advocate | AZ    | idva im

# The Co-ordinator's and the Chair's own work
log variable handling                 | area | BCIAZ | co ch dc
log                                   | area | BCIAZ | au
match:read match:decide agency:invite | area | BCIAZ | co
deadline:move conflict:record         | area | BCIAZ | co ch dc
hold:decide                           | area | BCIA  | co ch
hold:decide                           | area | Z     | di
"""
