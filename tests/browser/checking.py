"""What every page is held to: axe finds nothing, nothing scrolls sideways, nothing is written to the console."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).with_name("node_modules") / "axe-core" / "axe.min.js"
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
DESKTOP = (1280, 900)
PHONE = (390, 844)
WIDTHS = {"desktop": DESKTOP, "phone": PHONE}

_RUN = """async (tags) => {
  const found = await axe.run(document, {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]});
  return found.violations.map((v) => ({
    id: v.id, help: v.help,
    nodes: v.nodes.map((n) => ({target: n.target.join(" "), html: n.html.slice(0, 200), why: n.failureSummary})),
  }));
}"""


@cache
def _axe() -> str:
    assert AXE.exists(), "axe-core is not installed: bash scripts/setup.sh browser"
    return AXE.read_text(encoding="utf-8")


def violations(page: Page) -> list[dict[str, Any]]:
    """What axe finds wrong with the page as it stands."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_axe())
    found: list[dict[str, Any]] = page.evaluate(_RUN, STANDARDS)
    return found


def told(found: list[dict[str, Any]]) -> str:
    """The violations in words."""
    return "\n".join(
        f"{one['id']}: {one['help']}\n"
        + "\n".join(f"  {n['target']}  {n['html']}\n  {n['why']}" for n in one["nodes"][:5])
        for one in found
    )


def sideways(page: Page) -> list[str]:
    """What reaches beyond the right edge, when the page scrolls sideways."""
    found: list[str] = page.evaluate(
        """() => {
          const width = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth <= width) return [];
          return [...document.querySelectorAll("main *, header *, footer *")]
            .filter((e) => e.getBoundingClientRect().right > width + 1)
            .map((e) => e.outerHTML.slice(0, 120)).slice(0, 5).concat(["(the page is wider than the window)"]);
        }"""
    )
    return found


def focus_mark(page: Page) -> str:
    """What has the focus, when one cannot see that it has; "" when one can."""
    found: str = page.evaluate(
        """() => {
          const e = document.activeElement;
          const marked = (s) => (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== "none";
          const shown = [getComputedStyle(e)];
          for (const label of e.labels ?? []) shown.push(getComputedStyle(label), getComputedStyle(label, "::before"));
          if (e === document.body || shown.some(marked)) return "";
          return e.outerHTML.slice(0, 200);
        }"""
    )
    return found
