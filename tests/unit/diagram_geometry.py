"""Reads the drawing of a BPMN file, and finds what would trouble a human reader: overlaps, crossings, things out of place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from lxml import etree

NS = {
    "bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "di": "http://www.omg.org/spec/DD/20100524/DI",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "bpmndi": "http://www.omg.org/spec/BPMN/20100524/DI",
}
BPMN = f"{{{NS['bpmn']}}}"
CONTAINERS = ("lane", "participant")
Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A shape or a label, in the units of the drawing."""

    id: str
    kind: str
    x: float
    y: float
    width: float
    height: float
    expanded: bool = False

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    def holds(self, other: Box) -> bool:
        return self.x <= other.x and self.y <= other.y and self.right >= other.right and self.bottom >= other.bottom

    def overlaps(self, other: Box, gap: float = 0) -> bool:
        return (
            self.x < other.right + gap
            and other.x < self.right + gap
            and self.y < other.bottom + gap
            and other.y < self.bottom + gap
        )

    def on_edge(self, point: Point) -> bool:
        x, y = point
        inside = self.x - 1 <= x <= self.right + 1 and self.y - 1 <= y <= self.bottom + 1
        within = self.x + 2 < x < self.right - 2 and self.y + 2 < y < self.bottom - 2
        return inside and (not within or self.kind.endswith(("Event", "Gateway")))


@dataclass(frozen=True)
class Line:
    """A flow as it is drawn."""

    id: str
    source: str
    target: str
    points: tuple[Point, ...]

    @property
    def segments(self) -> Iterator[tuple[Point, Point]]:
        return zip(self.points, self.points[1:], strict=False)


@dataclass
class Plane:
    """One drawing: the process, or a collapsed sub-process."""

    id: str
    element: str
    boxes: list[Box] = field(default_factory=list)
    labels: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    def box(self, identity: str) -> Box:
        return next(box for box in self.boxes if box.id == identity)


class Drawing:
    """A BPMN file: its elements by id, their parents, and its planes."""

    def __init__(self, path: Path) -> None:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        self.root = etree.fromstring(path.read_bytes(), parser)
        self.elements: dict[str, Any] = {e.get("id"): e for e in self.root.iter() if e.get("id")}
        self.planes = [self._plane(diagram) for diagram in self.root.findall("bpmndi:BPMNDiagram", NS)]

    def kind(self, identity: str) -> str:
        return str(etree.QName(self.elements[identity]).localname)

    def _bounds(self, node: Any) -> tuple[float, float, float, float]:
        bounds = node.find("dc:Bounds", NS)
        return tuple(float(bounds.get(name)) for name in ("x", "y", "width", "height"))  # type: ignore[return-value]

    def _plane(self, diagram: Any) -> Plane:
        drawn = diagram.find("bpmndi:BPMNPlane", NS)
        plane = Plane(diagram.get("id"), drawn.get("bpmnElement"))
        for shape in drawn.findall("bpmndi:BPMNShape", NS):
            identity = shape.get("bpmnElement")
            box = Box(identity, self.kind(identity), *self._bounds(shape), expanded=shape.get("isExpanded") == "true")
            plane.boxes.append(box)
            self._label(plane, shape, identity)
        for edge in drawn.findall("bpmndi:BPMNEdge", NS):
            flow = self.elements[edge.get("bpmnElement")]
            points = tuple((float(p.get("x")), float(p.get("y"))) for p in edge.findall("di:waypoint", NS))
            plane.lines.append(Line(flow.get("id"), flow.get("sourceRef"), flow.get("targetRef"), points))
            self._label(plane, edge, flow.get("id"))
        return plane

    def _label(self, plane: Plane, node: Any, identity: str) -> None:
        label = node.find("bpmndi:BPMNLabel", NS)
        if label is not None and label.find("dc:Bounds", NS) is not None:
            plane.labels.append(Box(identity, "label", *self._bounds(label)))

    def inside(self, identity: str, container: str) -> bool:
        """Whether the element is (somewhere) in the container, in the model."""
        node = self.elements[identity].getparent()
        while node is not None:
            if node.get("id") == container:
                return True
            node = node.getparent()
        return False


def crosses(first: tuple[Point, Point], second: tuple[Point, Point]) -> bool:
    """Whether two straight pieces, each upright or level, touch or lie on each other."""
    (ax, ay), (bx, by) = first
    (cx, cy), (dx, dy) = second
    return (
        max(min(ax, bx), min(cx, dx)) <= min(max(ax, bx), max(cx, dx)) + 0.1
        and max(min(ay, by), min(cy, dy)) <= min(max(ay, by), max(cy, dy)) + 0.1
    )


def cuts(segment: tuple[Point, Point], box: Box, gap: float = 0) -> bool:
    """Whether a piece of a flow goes through a box."""
    (ax, ay), (bx, by) = segment
    return (
        max(ax, bx) > box.x - gap
        and min(ax, bx) < box.right + gap
        and max(ay, by) > box.y - gap
        and min(ay, by) < box.bottom + gap
    )


def troubles(drawing: Drawing, plane: Plane) -> Iterator[str]:
    """Every fault of a drawing, in words."""
    yield from _places(drawing, plane)
    yield from _overlaps(drawing, plane)
    yield from _flows(drawing, plane)
    yield from _labels(drawing, plane)


def _places(drawing: Drawing, plane: Plane) -> Iterator[str]:
    lanes = {box.id: box for box in plane.boxes if box.kind == "lane"}
    for identity, lane in lanes.items():
        for reference in drawing.elements[identity].findall(f"{BPMN}flowNodeRef"):
            box = plane.box(reference.text)
            if box.kind != "boundaryEvent" and not lane.holds(box):
                yield f"{box.id} is drawn outside its lane"
    for box in plane.boxes:
        if box.expanded:
            for other in plane.boxes:
                if (
                    other.kind not in (*CONTAINERS, "boundaryEvent")
                    and drawing.inside(other.id, box.id)
                    and not box.holds(other)
                ):
                    yield f"{other.id} is drawn outside its sub-process"
        if box.kind == "boundaryEvent":
            host = plane.box(drawing.elements[box.id].get("attachedToRef"))
            if not host.on_edge((box.x + box.width / 2, box.y + box.height / 2)):
                yield f"{box.id} is not on the edge of {host.id}"


def _overlaps(drawing: Drawing, plane: Plane) -> Iterator[str]:
    shapes = [box for box in plane.boxes if box.kind not in CONTAINERS]
    for first, second in combinations(shapes, 2):
        attached = {drawing.elements[box.id].get("attachedToRef") for box in (first, second)}
        nested = drawing.inside(first.id, second.id) or drawing.inside(second.id, first.id)
        if not nested and not attached & {first.id, second.id} and first.overlaps(second, gap=6):
            yield f"{first.id} overlaps {second.id}"


def _flows(drawing: Drawing, plane: Plane) -> Iterator[str]:
    shapes = [box for box in plane.boxes if box.kind not in CONTAINERS]
    for line in plane.lines:
        if not plane.box(line.source).on_edge(line.points[0]) or not plane.box(line.target).on_edge(line.points[-1]):
            yield f"{line.id} does not begin and end at its elements"
        for (ax, ay), (bx, by) in line.segments:
            if ax != bx and ay != by:
                yield f"{line.id} is neither upright nor level"
        around = {box.id for box in shapes if box.expanded and drawing.inside(line.id, box.id)}
        for box in shapes:
            if box.id in {line.source, line.target} | around or drawing.elements[box.id].get("attachedToRef") in (
                line.source,
                line.target,
            ):
                continue
            if any(cuts(segment, box, gap=4) for segment in line.segments):
                yield f"{line.id} goes through {box.id}"
        for own in (line.source, line.target):
            middle = list(line.segments)[1:-1]
            if any(cuts(segment, plane.box(own)) for segment in middle):
                yield f"{line.id} goes through its own {own}"
    for one, two in combinations(plane.lines, 2):
        shared = {one.source, one.target} & {two.source, two.target}
        for segment in one.segments:
            for other in two.segments:
                if crosses(segment, other) and not (shared and _meet_at_shape(plane, shared, segment, other)):
                    yield f"{one.id} crosses {two.id}"


def _meet_at_shape(plane: Plane, shared: set[str], one: tuple[Point, Point], two: tuple[Point, Point]) -> bool:
    """Two flows of one element may meet at its edge, and nowhere else."""
    return any(plane.box(identity).on_edge(point) for identity in shared for point in one if point in two)


def _labels(drawing: Drawing, plane: Plane) -> Iterator[str]:
    shapes = [box for box in plane.boxes if box.kind not in CONTAINERS]
    for label in plane.labels:
        for box in shapes:
            if box.expanded and (box.holds(label) or not box.overlaps(label)):
                continue
            if box.overlaps(label, gap=-1):
                yield f"the label of {label.id} lies on {box.id}"
        for line in plane.lines:
            if any(cuts(segment, label, gap=-1) for segment in line.segments):
                yield f"the label of {label.id} lies on {line.id}"
        inside_lane = [box for box in plane.boxes if box.kind == "lane"]
        if inside_lane and not any(lane.holds(label) for lane in inside_lane):
            yield f"the label of {label.id} is cut by its lane"
    for first, second in combinations(plane.labels, 2):
        if first.overlaps(second, gap=-1):
            yield f"the labels of {first.id} and {second.id} overlap"
