"""Functions on contexts (DMN 1.5, table 83)."""

from __future__ import annotations

from app.feel.frame import NoValue, State
from app.feel.registry import builtin
from app.feel.values import Value

GROUP = "Contexts"
Context = dict[str, Value]


@builtin(
    "get value",
    "m: context, key: string",
    "context: context, key: string",
    "context: context, keys: list",
    returns="any",
    group=GROUP,
    summary="The entry of that name; a list of names leads into nested contexts.",
    example='get value({key1: "value1"}, "key1") = "value1"',
)
def get_value(context: Context, key: str | list[Value]) -> Value:
    value: Value = context
    for name in [key] if isinstance(key, str) else key:
        if type(value) is not dict or not isinstance(name, str):
            raise NoValue("get value(…): there is nothing under these keys.", fault=False)
        value = value.get(name)
    if not isinstance(key, str) and not key:
        raise NoValue("get value(…): the list of keys is empty.")
    return value


@builtin(
    "get entries",
    "m: context",
    "context: context",
    returns="list",
    group=GROUP,
    summary="The entries as a list of contexts with key and value.",
    example='get entries({a: 1}) = [{key: "a", value: 1}]',
)
def get_entries(context: Context) -> list[Value]:
    return [{"key": key, "value": value} for key, value in context.items()]


@builtin(
    "context",
    "entries: list",
    returns="context",
    group=GROUP,
    summary="A context of a list of entries with key and value.",
    example='context([{key: "a", value: 1}]) = {a: 1}',
)
def context_of(entries: list[Value]) -> Context:
    made: Context = {}
    for entry in entries:
        if type(entry) is not dict or not isinstance(entry.get("key"), str) or "value" not in entry:
            raise NoValue("context(…): every entry needs a key, which is a text, and a value.")
        if entry["key"] in made:
            raise NoValue("context(…): a key is given twice.")
        made[entry["key"]] = entry["value"]
    return made


@builtin(
    "context put",
    "context: context, key: string, value: any",
    "context: context, keys: list, value: any",
    returns="context",
    group=GROUP,
    summary="The context with an entry added or replaced; a list of names leads into nested contexts.",
    example='context put({x: 1}, "y", 2) = {x: 1, y: 2}',
)
def context_put(context: Context, key: str | list[Value], value: Value) -> Context:
    keys = [key] if isinstance(key, str) else key
    if not keys or not all(isinstance(name, str) for name in keys):
        raise NoValue("context put(…): the keys must be texts, at least one.")
    path = [context]
    for name in keys[:-1]:
        inner = path[-1].get(name)
        if type(inner) is not dict:
            raise NoValue("context put(…): there is no context under these keys.")
        path.append(inner)
    for name, holder in zip(reversed(keys), reversed(path), strict=True):
        value = {**holder, name: value}
    return dict(value)


@builtin(
    "context merge",
    "contexts: list",
    returns="context",
    group=GROUP,
    summary="One context of several; a later entry replaces an earlier one of the same name.",
    example="context merge([{x: 1}, {y: 2}]) = {x: 1, y: 2}",
    state=True,
)
def context_merge(state: State, contexts: list[Value]) -> Context:
    merged: Context = {}
    for context in contexts:
        if type(context) is not dict:
            raise NoValue("context merge(…) needs a list of contexts.")
        state.spend(len(context))
        merged.update(context)
    return merged
