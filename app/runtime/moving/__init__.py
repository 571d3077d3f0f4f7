"""Moving a running instance to another release: the plan, the move, and the way back.

The saved state is translated, not replayed: rows keep their ids, variables their values, armed timers their instants. What the new diagram
adds around what is open is armed, what it drops is disarmed, and whatever cannot be carried over faithfully is an obstacle with a remedy.
"""

from __future__ import annotations

from app.runtime.moving.elements import ElementMap
from app.runtime.moving.execution import Before, Moved, move, move_back
from app.runtime.moving.outlook import DeadlineChange, InstancePlan, Obstacle, TaskChange, TimerChange
from app.runtime.moving.planning import plan
from app.runtime.moving_models import ItemState, MovedInstance, Moving

__all__ = [
    "Before",
    "DeadlineChange",
    "ElementMap",
    "InstancePlan",
    "ItemState",
    "Moved",
    "MovedInstance",
    "Moving",
    "Obstacle",
    "TaskChange",
    "TimerChange",
    "move",
    "move_back",
    "plan",
]
