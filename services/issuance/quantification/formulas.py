"""Formulas that are computed from their own text, so that a trace shows what was done and nothing else."""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, localcontext
from functools import cache

from services.issuance.quantification.decimals import CONTEXTS, Rounding, rounded

Given = Mapping[str, Decimal | Sequence[Decimal]]
"""What the names in a formula stand for: a number, or the numbers of all rows of a sum."""
Term = Callable[[Given], Decimal]
"""A part of a formula, ready to be computed: its text is read once, and computed for every report."""

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
        return rounded(_read(formula)(given), rounding)


@cache
def _read(formula: str) -> Term:
    return _term(ast.parse(formula, mode="eval").body)


def _term(node: ast.expr) -> Term:
    match node:
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            operator, one, other = _OPERATORS[type(sign)], _term(left), _term(right)
            return lambda given: operator(one(given), other(given))
        case ast.Constant(value=int(number)):
            constant = Decimal(number)
            return lambda _: constant
        case ast.Name(id=name):
            return lambda given: _number(name, given)
        case ast.Call(func=ast.Name(id="sum"), args=[row]):
            summed = _rows(row)
            return lambda given: sum(summed(given), Decimal(0))
        case ast.Call(func=ast.Name(id="min"), args=[row]):
            compared = _rows(row)
            return lambda given: min(compared(given))
        case ast.Call(func=ast.Name(id="max"), args=[left, right]):
            one, other = _term(left), _term(right)
            return lambda given: max(one(given), other(given))
        case _:
            raise ValueError(f"a formula has no {ast.unparse(node)}")


def _number(name: str, given: Given) -> Decimal:
    value = given[name]
    if not isinstance(value, Decimal):
        raise ValueError(f"a formula has no rows outside sum and min: {name}")
    return value


def _rows(node: ast.expr) -> Callable[[Given], Iterator[Decimal]]:
    """The term row by row; what has one value has it in every row."""
    term = _term(node)
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}

    def values(given: Given) -> Iterator[Decimal]:
        columns = {name: given[name] for name in names}
        rows = {name: each for name, each in columns.items() if not isinstance(each, Decimal)}
        for row in zip(*rows.values(), strict=True):
            yield term({**columns, **dict(zip(rows, row, strict=True))})

    return values
