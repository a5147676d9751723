"""Random formulas with their values by Python: the reference for the formula parser.

    python3 formulas.py COUNT [SEED]

writes COUNT lines `formula <tab> x <tab> y <tab> value`. Python's own parser decides what a formula means (`^` is first turned into
`**`); the arithmetic is Python's, with IEEE values where Python raises: 1/0 = inf, log(-1) = nan, exp(1000) = inf.
Each formula is also evaluated with every operation off by a few units in the last place; where that moves the value by more
than 1e-13 the formula amplifies rounding (or stands on a jump), says nothing about a parser, and is not written.
Of the formulas whose value is not finite only one in five is written. formulas_sample.txt is the output of `python3 formulas.py 300 1`.
"""

import ast
import math
import random
import sys


class Number:
    """A float whose operations never raise. `jitter` perturbs each of them."""

    jitter = None
    __slots__ = ("v",)

    def __init__(self, v):
        self.v = float(v)

    def made(v):
        if Number.jitter is not None and v == v and abs(v) != math.inf:
            v *= 1.0 + 4e-16 * Number.jitter.uniform(-1.0, 1.0)
        return Number(v)

    def __add__(self, o):
        return Number.made(self.v + o.v)

    def __sub__(self, o):
        return Number.made(self.v - o.v)

    def __mul__(self, o):
        return Number.made(self.v * o.v)

    def __truediv__(self, o):
        if o.v == 0.0:
            if self.v == 0.0 or self.v != self.v:
                return Number(math.nan)
            return Number(math.copysign(math.inf, self.v) * math.copysign(1.0, o.v))
        return Number.made(self.v / o.v)

    def __floordiv__(self, o):
        return Number(math.nan) if o.v == 0.0 else Number.made(self.v // o.v)

    def __mod__(self, o):
        return Number(math.nan) if o.v == 0.0 else Number.made(self.v % o.v)

    def __pow__(self, o):
        odd = abs(o.v) < 2.0**53 and o.v % 2.0 == 1.0
        try:
            return Number.made(math.pow(self.v, o.v))
        except OverflowError:
            return Number(-math.inf if self.v < 0.0 and odd else math.inf)
        except ValueError:
            if self.v == 0.0:
                return Number(math.copysign(math.inf, self.v) if odd else math.inf)
            return Number(math.nan)

    def __neg__(self):
        return Number(-self.v)

    def __pos__(self):
        return self

    def __bool__(self):
        return self.v != 0.0

    def __lt__(self, o):
        return Number(self.v < o.v)

    def __le__(self, o):
        return Number(self.v <= o.v)

    def __gt__(self, o):
        return Number(self.v > o.v)

    def __ge__(self, o):
        return Number(self.v >= o.v)

    def __eq__(self, o):
        return Number(self.v == o.v)

    def __ne__(self, o):
        return Number(self.v != o.v)


def lifted(f, at_zero=math.nan):
    def g(*arguments):
        values = [a.v for a in arguments]
        try:
            return Number.made(f(*values))
        except OverflowError:
            # sinh is the only one here that goes down
            return Number(-math.inf if f is math.sinh and values[0] < 0.0 else math.inf)
        except ValueError:
            return Number(at_zero if values[0] == 0.0 else math.nan)

    return g


def sign(v):
    return v if v == 0.0 or v != v else math.copysign(1.0, v)


def floored(f):
    # Python's are integers and have no -0.0; as floats (in numpy, say) ceil(-0.5) is -0.0
    return lambda v: v if v != v or abs(v) == math.inf else math.copysign(f(v), v) if f(v) == 0 else f(v)


def heaviside(v, half=0.5):
    return v if v != v else half if v == 0.0 else float(v > 0.0)


def where(condition, a, b):
    return a if condition else b


UNARY = {
    "sin": lifted(math.sin),
    "cos": lifted(math.cos),
    "tan": lifted(math.tan),
    "asin": lifted(math.asin),
    "acos": lifted(math.acos),
    "atan": lifted(math.atan),
    "sinh": lifted(math.sinh),
    "cosh": lifted(math.cosh),
    "tanh": lifted(math.tanh),
    "exp": lifted(math.exp),
    "log": lifted(math.log, -math.inf),
    "log10": lifted(math.log10, -math.inf),
    "sqrt": lifted(math.sqrt),
    "abs": lifted(abs),
    "sign": lifted(sign),
    "floor": lifted(floored(math.floor)),
    "ceil": lifted(floored(math.ceil)),
    "heaviside": lifted(heaviside),
}
BINARY = {
    "atan2": lifted(math.atan2),
    "pow": lambda a, b: a**b,
    "min": lambda *a: min(a[0], *a[1:]),
    "max": lambda *a: max(a[0], *a[1:]),
}
NAMES = {**UNARY, **BINARY, "where": where, "pi": Number(math.pi), "e": Number(math.e), "k": Number(0.75)}


class Literals(ast.NodeTransformer):
    """Every literal becomes a Number; the shape of the tree stays Python's."""

    def visit_Constant(self, node):
        name = ast.copy_location(ast.Name("Number", ast.Load()), node)
        return ast.copy_location(ast.Call(name, [node], []), node)


def compiled(text):
    tree = Literals().visit(ast.parse(text.replace("^", "**"), mode="eval"))
    return compile(tree, "<formula>", "eval")


def value(code, x, y, jitter=None):
    Number.jitter = jitter
    result = eval(code, {"Number": Number, **NAMES, "x": Number(x), "y": Number(y)})
    return float(result.v if isinstance(result, Number) else result)


class Writer:
    """Writes formulas with as few brackets as chance allows, so that precedence decides."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def space(self):
        return self.r.choice(["", "", "", " ", "  "])

    def number(self):
        r = self.r
        kind = int(6 * r.random())
        if kind == 0:
            return str(int(10 * r.random()))
        if kind == 1:
            return f"{10 * r.random():.3f}"
        if kind == 2:
            return f".{r.randint(1, 99)}"
        if kind == 3:
            return f"{r.randint(1, 9)}."
        if kind == 4:
            return f"{r.randint(1, 99)}e-{r.randint(1, 3)}"
        return f"{r.randint(1, 9)}.{r.randint(0, 9)}E+{r.randint(0, 2)}"

    def atom(self, depth):
        r = self.r
        if depth <= 0 or r.random() < 0.2:
            return r.choice(["x", "y", "x", "y", "k", "pi", "e", "", ""]) or self.number()
        kind = r.random()
        if kind < 0.35:
            return f"({self.space()}{self.sum(depth - 1)}{self.space()})"
        if kind < 0.75:
            return f"{r.choice(list(UNARY))}({self.sum(depth - 1)})"
        if kind < 0.9:
            name = r.choice(list(BINARY))
            count = r.randint(2, 3) if name in ("min", "max") else 2
            return f"{name}({(',' + self.space()).join(self.sum(depth - 1) for _ in range(count))})"
        return f"where({self.condition(depth - 1)}, {self.sum(depth - 1)}, {self.sum(depth - 1)})"

    def condition(self, depth):
        r = self.r
        compare = lambda: r.choice(["<", "<=", ">", ">=", "==", "!="])
        one = f"{self.sum(depth)} {compare()} {self.sum(depth)}"
        kind = r.random()
        if kind < 0.2:
            return f"{one} {compare()} {self.sum(depth)}"
        if kind < 0.4:
            return f"{one} {r.choice(['and', 'or'])} {self.condition(depth - 1)}"
        if kind < 0.5:
            return f"not {one}"
        return one

    def power(self, depth):
        base = self.atom(depth)
        while self.r.random() < 0.25:
            exponent = self.r.choice(["2", "3", "2", "0.5", "-1", "-2", "k", self.atom(depth - 1), "-" + self.atom(0)])
            base += f"{self.space()}{self.r.choice(['**', '^'])}{self.space()}{exponent}"
        return base

    def factor(self, depth):
        signs = self.r.choice(["", "", "", "", "", "", "-", "-", "+", "--"])
        return signs + self.power(depth)

    def product(self, depth):
        text = self.factor(depth)
        while self.r.random() < 0.3:
            op = self.r.choice(["*", "*", "*", "/", "/", "%", "//"])
            text += f"{self.space()}{op}{self.space()}{self.factor(depth - 1)}"
        return text

    def sum(self, depth):
        text = self.product(depth)
        while self.r.random() < 0.3:
            text += f"{self.space()}{self.r.choice('+-')}{self.space()}{self.product(depth - 1)}"
        return text


def lines(count, seed):
    writer = Writer(seed)
    left_out = 0
    while count:
        text = writer.sum(2)
        x, y = (round(writer.r.uniform(-1, 3), 3) for _ in range(2))
        code = compiled(text)
        plain = value(code, x, y)
        if not math.isfinite(plain) and writer.r.random() < 0.8:
            continue
        moved = value(code, x, y, random.Random(len(text)))
        same = moved == plain or (moved != moved and plain != plain)
        # past 1e277 a shaken value may cross into infinity
        steady = same or abs(moved - plain) <= 1e-13 * abs(plain) < 1e277
        if not steady:
            left_out += 1
            continue
        count -= 1
        yield f"{text}\t{x!r}\t{y!r}\t{plain!r}"
    print(f"{left_out} formulas left out: they amplify rounding", file=sys.stderr)


if __name__ == "__main__":
    for line in lines(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1):
        print(line)
