"""Formulas that are computed from their own text, so that a trace shows what was done and nothing else."""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, localcontext
from functools import cache

from services.issuance.quantification.decimals import CONTEXTS, Rounding, rounded

Given = Mapping[str, Decimal | Sequence[Decimal]]
"""What the names in a formula stand for: a number, or the numbers of all rows of a sum."""

_OPERATORS: Mapping[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: Decimal.__add__,
    ast.Sub: Decimal.__sub__,
    ast.Mult: Decimal.__mul__,
    ast.Div: Decimal.__truediv__,
}


def evaluate(formula: str, given: Given, rounding: Rounding = Rounding.EXACT) -> Decimal:
    """The formula's value: ``+ - * /``, whole numbers, names, ``sum`` over rows, ``min`` and ``max``.

    Nothing is rounded on the way. Where a division has no end, it stands last and the rounding is named;
    decimal.Inexact is raised if neither is so.
    """
    with localcontext(CONTEXTS[rounding]):
        return rounded(_value(_parsed(formula), given), rounding)


@cache
def _parsed(formula: str) -> ast.expr:
    return ast.parse(formula, mode="eval").body


def _value(node: ast.expr, given: Given) -> Decimal:
    match node:
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_value(left, given), _value(right, given))
        case ast.Constant(value=int(number)):
            return Decimal(number)
        case ast.Name(id=name) if isinstance(number := given[name], Decimal):
            return number
        case ast.Call(func=ast.Name(id="sum"), args=[row]):
            return sum((_value(row, each) for each in _rows(row, given)), Decimal(0))
        case ast.Call(func=ast.Name(id="min"), args=[row]):
            return min(_value(row, each) for each in _rows(row, given))
        case ast.Call(func=ast.Name(id="max"), args=[one, other]):
            return max(_value(one, given), _value(other, given))
        case _:
            raise ValueError(f"a formula has no {ast.unparse(node)}")


def _rows(node: ast.expr, given: Given) -> Iterator[Given]:
    """The names' values, row by row; what has one value has it in every row."""
    names = [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]
    columns = {name: column for name in names if not isinstance(column := given[name], Decimal)}
    for row in zip(*columns.values(), strict=True):
        yield {**given, **dict(zip(columns, row, strict=True))}
