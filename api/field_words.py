"""What a field of a body means: the words under it in the source, put into the API document.

Pydantic can read them too (`use_attribute_docstrings`), but does so when a class is made, which
costs a start 150 ms; here they are read when somebody asks for a schema.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from types import ModuleType

from pydantic import BaseModel
from pydantic.annotated_handlers import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


class Described(BaseModel):
    """A body whose JSON schema says of each field what its source says under it."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return pydantic's schema, with a description for each field that has words."""
        schema = handler(core)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        words = _words_of(cls)
        for name, field in cls.model_fields.items():
            said = properties.get(field.alias or name)
            if said is not None and name in words:
                said.setdefault("description", words[name])
        return schema


@cache
def _words_of(model: type[BaseModel]) -> Mapping[str, str]:
    """Return the words under each field of a model and of what it inherits from, by its name."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, Described):
            found |= _words_in(sys.modules[each.__module__]).get(each.__qualname__, {})
    return found


@cache
def _words_in(module: ModuleType) -> Mapping[str, Mapping[str, str]]:
    """Return the words under the fields of each class of a module, by class and field."""
    tree = ast.parse(inspect.getsource(module))
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef))
    return {node.name: dict(_words_under(node)) for node in classes}


def _words_under(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, after in pairwise(node.body):
        match field, after:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(words))),
            ):
                yield name, " ".join(words.split())
