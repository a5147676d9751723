//! A formula as straight-line code over blocks of points: one pass of a simple loop per operation and block.

use super::expression::{Graph, Id, Node};
use super::operators::{Binary, Unary};

/// Points per block: a register is 2 KiB, so that a dozen fit in the first-level cache.
const BLOCK: usize = 256;

/// Where an operand comes from.
#[derive(Debug, Clone, Copy)]
enum Source {
    Number(f64),
    Variable(usize),
    Register(usize),
}

#[derive(Debug, Clone, Copy)]
enum Operation {
    Unary(Unary, Source),
    Binary(Binary, Source, Source),
    Select(Source, Source, Source),
}

/// Operations in order, each with the register it fills.
#[derive(Debug, Clone)]
pub(super) struct Program {
    steps: Vec<(Operation, usize)>,
    result: Source,
    registers: usize,
}

/// A block of values; `uniform` when the first stands for all.
#[derive(Debug, Clone)]
struct Register {
    values: Vec<f64>,
    uniform: bool,
}

#[derive(Debug, Clone, Copy)]
enum Operand<'a> {
    One(f64),
    Many(&'a [f64]),
}

impl Program {
    /// Code for `root`; what depends on no variable is computed here.
    pub(super) fn compile(graph: &Graph, root: Id, constants: &[(String, f64)]) -> Self {
        let order = graph.order(root);
        let mut last_use = vec![0; root + 1];
        for &id in &order {
            graph.node(id).operands().for_each(|o| last_use[o] = id);
        }
        last_use[root] = usize::MAX;
        let mut sources = vec![Source::Number(0.0); root + 1];
        let (mut steps, mut free, mut registers) = (Vec::new(), Vec::new(), 0);
        for &id in &order {
            let node = graph.node(id);
            let operation = match node {
                Node::Number(bits) => {
                    sources[id] = Source::Number(f64::from_bits(bits));
                    continue;
                }
                Node::Constant(k) => {
                    sources[id] = Source::Number(constants[k].1);
                    continue;
                }
                Node::Variable(k) => {
                    sources[id] = Source::Variable(k);
                    continue;
                }
                Node::Unary(op, a) => Operation::Unary(op, sources[a]),
                Node::Binary(op, a, b) => Operation::Binary(op, sources[a], sources[b]).cheaper(),
                Node::Select(c, a, b) => Operation::Select(sources[c], sources[a], sources[b]),
            };
            if let Some(value) = operation.folded() {
                sources[id] = Source::Number(value);
                continue;
            }
            let target = free.pop().unwrap_or_else(|| {
                registers += 1;
                registers - 1
            });
            steps.push((operation, target));
            sources[id] = Source::Register(target);
            let mut done: Vec<usize> = node.operands().filter(|&o| last_use[o] == id).collect();
            done.dedup();
            for operand in done {
                if let Source::Register(r) = sources[operand]
                    && !free.contains(&r)
                {
                    free.push(r);
                }
            }
        }
        Program { steps, result: sources[root], registers }
    }

    /// The value at one point.
    pub(super) fn eval(&self, variables: &[f64]) -> f64 {
        const FEW: usize = 32;
        let (mut few, mut many) = ([0.0; FEW], Vec::new());
        let registers: &mut [f64] = if self.registers <= FEW {
            &mut few
        } else {
            many.resize(self.registers, 0.0);
            &mut many
        };
        for &(operation, target) in &self.steps {
            registers[target] = operation.value(|source| match source {
                Source::Number(value) => value,
                Source::Variable(k) => variables[k],
                Source::Register(r) => registers[r],
            });
        }
        match self.result {
            Source::Number(value) => value,
            Source::Variable(k) => variables[k],
            Source::Register(r) => registers[r],
        }
    }

    /// The values at `out.len()` points; a column of length 1 holds for all of them.
    pub(super) fn eval_into(&self, columns: &[&[f64]], out: &mut [f64]) {
        let mut registers = vec![Register { values: vec![0.0; BLOCK.min(out.len())], uniform: false }; self.registers];
        for (k, block) in out.chunks_mut(BLOCK).enumerate() {
            let start = k * BLOCK;
            let length = block.len();
            for &(operation, target) in &self.steps {
                let mut values = std::mem::take(&mut registers[target].values);
                let uniform = operation.run(|s| fetch(s, columns, &registers, start, length), &mut values[..length]);
                registers[target] = Register { values, uniform };
            }
            match fetch(self.result, columns, &registers, start, length) {
                Operand::One(value) => block.fill(value),
                Operand::Many(values) => block.copy_from_slice(values),
            }
        }
    }
}

fn fetch<'a>(
    source: Source,
    columns: &[&'a [f64]],
    registers: &'a [Register],
    start: usize,
    length: usize,
) -> Operand<'a> {
    match source {
        Source::Number(value) => Operand::One(value),
        Source::Variable(k) if columns[k].len() == 1 => Operand::One(columns[k][0]),
        Source::Variable(k) => Operand::Many(&columns[k][start..start + length]),
        Source::Register(r) if registers[r].uniform => Operand::One(registers[r].values[0]),
        Source::Register(r) => Operand::Many(&registers[r].values[..length]),
    }
}

impl Operation {
    /// a² as a product: the common power, and as accurate.
    fn cheaper(self) -> Self {
        match self {
            Operation::Binary(Binary::Power, a, Source::Number(2.0)) => Operation::Binary(Binary::Multiply, a, a),
            other => other,
        }
    }

    fn value(self, of: impl Fn(Source) -> f64) -> f64 {
        match self {
            Operation::Unary(op, a) => op.apply(of(a)),
            Operation::Binary(op, a, b) => op.apply(of(a), of(b)),
            Operation::Select(c, a, b) => select(of(c), of(a), of(b)),
        }
    }

    /// The value when all operands are numbers.
    fn folded(self) -> Option<f64> {
        let number = |s: Source| matches!(s, Source::Number(_));
        let all = match self {
            Operation::Unary(_, a) => number(a),
            Operation::Binary(_, a, b) => number(a) && number(b),
            Operation::Select(c, a, b) => number(c) && number(a) && number(b),
        };
        all.then(|| self.value(|s| if let Source::Number(value) = s { value } else { f64::NAN }))
    }

    /// Fills `out`, or only its first element when no operand varies; returns whether that was so.
    fn run<'a>(self, of: impl Fn(Source) -> Operand<'a>, out: &mut [f64]) -> bool {
        match self {
            Operation::Unary(op, a) => match of(a) {
                Operand::One(a) => {
                    out[0] = op.apply(a);
                    true
                }
                Operand::Many(a) => {
                    for (o, &a) in out.iter_mut().zip(a) {
                        *o = op.apply(a);
                    }
                    false
                }
            },
            Operation::Binary(op, a, b) => match op {
                // the cheap ones get loops that the compiler turns into vector instructions
                Binary::Add => pairwise(of(a), of(b), out, |a, b| a + b),
                Binary::Subtract => pairwise(of(a), of(b), out, |a, b| a - b),
                Binary::Multiply => pairwise(of(a), of(b), out, |a, b| a * b),
                Binary::Divide => pairwise(of(a), of(b), out, |a, b| a / b),
                _ => pairwise(of(a), of(b), out, |a, b| op.apply(a, b)),
            },
            Operation::Select(c, a, b) => match (of(c), of(a), of(b)) {
                (Operand::One(c), Operand::One(a), Operand::One(b)) => {
                    out[0] = select(c, a, b);
                    true
                }
                (c, a, b) => {
                    for (i, o) in out.iter_mut().enumerate() {
                        *o = select(c.at(i), a.at(i), b.at(i));
                    }
                    false
                }
            },
        }
    }
}

impl Operand<'_> {
    fn at(self, i: usize) -> f64 {
        match self {
            Operand::One(value) => value,
            Operand::Many(values) => values[i],
        }
    }
}

fn select(condition: f64, then: f64, otherwise: f64) -> f64 {
    if condition != 0.0 { then } else { otherwise }
}

fn pairwise(a: Operand<'_>, b: Operand<'_>, out: &mut [f64], f: impl Fn(f64, f64) -> f64) -> bool {
    match (a, b) {
        (Operand::One(a), Operand::One(b)) => {
            out[0] = f(a, b);
            return true;
        }
        (Operand::One(a), Operand::Many(b)) => out.iter_mut().zip(b).for_each(|(o, &b)| *o = f(a, b)),
        (Operand::Many(a), Operand::One(b)) => out.iter_mut().zip(a).for_each(|(o, &a)| *o = f(a, b)),
        (Operand::Many(a), Operand::Many(b)) => {
            out.iter_mut().zip(a.iter().zip(b)).for_each(|(o, (&a, &b))| *o = f(a, b));
        }
    }
    false
}
