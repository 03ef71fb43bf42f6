//! Python's pickle, read as inert data.
//!
//! The interpreter knows the opcodes that build values and the four functions that describe a tensor. Every other
//! function or class becomes [`PickleValue::Inert`]: it is remembered by name, its arguments are dropped, and nothing is
//! called or imported. Containers live in pools and are referred to by index, so that shared and cyclic values
//! need no care and hostile nesting cannot exhaust the stack. What is made of a file is charged against a budget that
//! grows with the file, so that a small one can neither fill the memory nor take long.

use std::collections::HashMap;
use std::rc::Rc;

pub use super::value::{PickleValue, Storage, TensorRef};

/// An interpreted pickle.
#[derive(Debug, Default)]
pub struct Pickle {
    /// Items of tuples and lists.
    pub sequences: Vec<Vec<PickleValue>>,
    /// Pairs of dictionaries, in order.
    pub dicts: Vec<Vec<(PickleValue, PickleValue)>>,
    stack: Vec<PickleValue>,
    memo: HashMap<u32, PickleValue>,
    /// Bytes that may still be made.
    left: usize,
}

type Outcome<T> = Result<T, String>;

/// Bytes that any pickle may become, and how many times its own length more. A network's takes some hundred
/// kilobytes.
const FREE: usize = 32 << 20;
const TIMES: usize = 2;

/// More dimensions than any tensor of a network has.
const MAX_DIMS: usize = 16;

/// Longer names are of no function or class.
const MAX_NAME: usize = 512;

/// Bytes of a value in a list, and of the list itself.
const VALUE: usize = size_of::<PickleValue>();
const LIST: usize = 64;

/// Reads from a slice.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Outcome<&'a [u8]> {
        let end = self.at.checked_add(n).filter(|&e| e <= self.bytes.len()).ok_or("the pickle is cut off")?;
        let slice = &self.bytes[self.at..end];
        self.at = end;
        Ok(slice)
    }

    fn number(&mut self, size: usize) -> Outcome<u64> {
        Ok(self.take(size)?.iter().rev().fold(0, |n, &b| (n << 8) | u64::from(b)))
    }

    fn sized(&mut self, size: usize) -> Outcome<&'a [u8]> {
        let n = usize::try_from(self.number(size)?).map_err(|_| "the pickle is cut off")?;
        self.take(n)
    }

    fn line(&mut self) -> Outcome<String> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&b| b == b'\n').ok_or("the pickle is cut off")?;
        self.at += end + 1;
        Ok(String::from_utf8_lossy(&rest[..end]).into_owned())
    }
}

fn text(bytes: &[u8]) -> PickleValue {
    PickleValue::Str(String::from_utf8_lossy(bytes).into())
}

fn long(bytes: &[u8]) -> PickleValue {
    if bytes.len() > 8 {
        return PickleValue::Long(bytes.into());
    }
    let fill = if bytes.last().is_some_and(|&b| b >= 0x80) { 0xFF } else { 0 };
    let mut word = [fill; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    PickleValue::Int(i64::from_le_bytes(word))
}

impl Pickle {
    /// Interprets one pickle at the start of `bytes`: itself, its value, and how many bytes it took.
    ///
    /// # Errors
    /// A sentence when the bytes are not a pickle that `torch.save` would write.
    pub fn read(bytes: &[u8]) -> Outcome<(Self, PickleValue, usize)> {
        let mut reader = Reader { bytes, at: 0 };
        let mut machine = Self { left: FREE + TIMES * bytes.len(), ..Self::default() };
        loop {
            let op = reader.take(1)?[0];
            if op == b'.' {
                let value = machine.pop()?;
                return Ok((machine, value, reader.at));
            }
            if !machine.literal(op, &mut reader)? && !machine.container(op)? {
                machine.object(op, &mut reader)?;
            }
        }
    }

    fn pop(&mut self) -> Outcome<PickleValue> {
        self.stack.pop().ok_or_else(|| "the pickle is damaged".to_owned())
    }

    /// The values above the last mark.
    fn pop_mark(&mut self) -> Outcome<Vec<PickleValue>> {
        let mark = self.stack.iter().rposition(|v| *v == PickleValue::Mark).ok_or("the pickle is damaged")?;
        let items = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(items)
    }

    /// Takes what is made off the budget.
    fn charge(&mut self, bytes: usize) -> Outcome<()> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or("the pickle unfolds into far more than weights need")?;
        Ok(())
    }

    fn push(&mut self, value: PickleValue) -> Outcome<()> {
        self.charge(VALUE)?;
        self.stack.push(value);
        Ok(())
    }

    fn sequence(&mut self, items: Vec<PickleValue>) -> Outcome<PickleValue> {
        self.charge(LIST + VALUE * items.len())?;
        self.sequences.push(items);
        Ok(PickleValue::Sequence(self.sequences.len() - 1))
    }

    fn dict(&mut self, pairs: Vec<(PickleValue, PickleValue)>) -> Outcome<PickleValue> {
        self.charge(LIST + 2 * VALUE * pairs.len())?;
        self.dicts.push(pairs);
        Ok(PickleValue::Dict(self.dicts.len() - 1))
    }

    /// Opcodes that push one plain value, and those of the memo.
    fn literal(&mut self, op: u8, r: &mut Reader) -> Outcome<bool> {
        let value = match op {
            0x80 => return r.take(1).map(|_| true), // protocol
            0x95 => return r.take(8).map(|_| true), // frame
            b'N' => PickleValue::None,
            0x88 => PickleValue::Bool(true),
            0x89 => PickleValue::Bool(false),
            b'K' => PickleValue::Int(r.number(1)? as i64),
            b'M' => PickleValue::Int(r.number(2)? as i64),
            b'J' => PickleValue::Int(i64::from(r.number(4)? as u32 as i32)),
            0x8a => long(r.sized(1)?),
            0x8b => long(r.sized(4)?),
            b'G' => PickleValue::Float(f64::from_bits(r.number(8)?.swap_bytes())),
            b'X' => text(r.sized(4)?),
            0x8c => text(r.sized(1)?),
            0x8d => text(r.sized(8)?),
            b'U' => text(r.sized(1)?), // Python 2's str
            b'T' => text(r.sized(4)?),
            b'C' => PickleValue::Bytes(r.sized(1)?.into()),
            b'B' => PickleValue::Bytes(r.sized(4)?.into()),
            b'(' => PickleValue::Mark,
            b'c' => {
                let module = r.line()?;
                self.global(&module, &r.line()?)?
            }
            b'h' => self.recall(r.number(1)? as u32)?,
            b'j' => self.recall(r.number(4)? as u32)?,
            b'q' => return self.remember(r.number(1)? as u32),
            b'r' => return self.remember(r.number(4)? as u32),
            0x94 => return self.remember(self.memo.len() as u32),
            _ => return Ok(false),
        };
        self.push(value)?;
        Ok(true)
    }

    fn recall(&self, slot: u32) -> Outcome<PickleValue> {
        self.memo.get(&slot).cloned().ok_or_else(|| "the pickle is damaged".to_owned())
    }

    fn remember(&mut self, slot: u32) -> Outcome<bool> {
        let top = self.stack.last().cloned().ok_or("the pickle is damaged")?;
        self.charge(2 * VALUE)?;
        self.memo.insert(slot, top);
        Ok(true)
    }

    /// Opcodes of tuples, lists, sets and dictionaries.
    fn container(&mut self, op: u8) -> Outcome<bool> {
        match op {
            b')' | b']' | 0x8f => {
                let empty = self.sequence(Vec::new())?;
                self.push(empty)?;
            }
            b'}' => {
                let empty = self.dict(Vec::new())?;
                self.push(empty)?;
            }
            0x85..=0x87 => {
                let from = self.stack.len().checked_sub(usize::from(op - 0x84)).ok_or("the pickle is damaged")?;
                let items = self.stack.split_off(from);
                let tuple = self.sequence(items)?;
                self.push(tuple)?;
            }
            b't' | b'l' | 0x91 => {
                let items = self.pop_mark()?;
                let tuple = self.sequence(items)?;
                self.push(tuple)?;
            }
            b'd' => {
                let items = self.pop_mark()?;
                let dict = self.dict(pairs(items))?;
                self.push(dict)?;
            }
            b'a' => {
                let item = self.pop()?;
                self.extend(vec![item])?;
            }
            b'e' | 0x90 => {
                let items = self.pop_mark()?;
                self.extend(items)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.insert(vec![key, value])?;
            }
            b'u' => {
                let items = self.pop_mark()?;
                self.insert(items)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn extend(&mut self, items: Vec<PickleValue>) -> Outcome<()> {
        self.charge(VALUE * items.len())?;
        if let Some(PickleValue::Sequence(i)) = self.stack.last() {
            self.sequences[*i].extend(items);
        }
        Ok(())
    }

    fn insert(&mut self, items: Vec<PickleValue>) -> Outcome<()> {
        self.charge(VALUE * items.len())?;
        if let Some(PickleValue::Dict(i)) = self.stack.last() {
            self.dicts[*i].extend(pairs(items));
        }
        Ok(())
    }

    /// Opcodes that in Python would call something.
    fn object(&mut self, op: u8, r: &mut Reader) -> Outcome<()> {
        let made = match op {
            b'R' | 0x81 => {
                let (args, function) = (self.pop()?, self.pop()?);
                self.reduce(&function, &args)?
            }
            0x92 => {
                let (_, _, class) = (self.pop()?, self.pop()?, self.pop()?);
                PickleValue::Inert(name_of(&class))
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (module, name) {
                    (PickleValue::Str(module), PickleValue::Str(name)) => self.global(&module, &name)?,
                    _ => return Err("the pickle is damaged".to_owned()),
                }
            }
            b'b' => return self.pop().map(|_| ()), // an object's state: of no use without the object
            b'Q' => {
                let id = self.pop()?;
                self.charge(size_of::<Storage>() + LIST)?;
                self.persistent(&id)?
            }
            b'0' => return self.pop().map(|_| ()),
            b'1' => return self.pop_mark().map(|_| ()),
            b'2' => self.stack.last().cloned().ok_or("the pickle is damaged")?,
            other => {
                return Err(format!(
                    "the pickle uses opcode 0x{other:02x} at byte {}, which torch.save does not write",
                    r.at - 1
                ));
            }
        };
        self.push(made)
    }

    /// A function or class by name.
    fn global(&mut self, module: &str, name: &str) -> Outcome<PickleValue> {
        if module.len() + name.len() > MAX_NAME {
            return Err("the pickle names a function of unlikely length".to_owned());
        }
        self.charge(module.len() + name.len() + LIST)?;
        Ok(PickleValue::Global(format!("{module}.{name}").into()))
    }

    fn items(&self, value: &PickleValue) -> &[PickleValue] {
        match value {
            PickleValue::Sequence(i) => &self.sequences[*i],
            _ => &[],
        }
    }

    /// What `function(*args)` stands for.
    fn reduce(&mut self, function: &PickleValue, args: &PickleValue) -> Outcome<PickleValue> {
        let name = name_of(function);
        if &*name == "collections.OrderedDict" {
            // Its pairs are copied, so they are paid for before.
            let listed = self.items(args).first().map_or(0, |a| self.items(a).len());
            self.charge(2 * VALUE * listed)?;
        }
        let args = self.items(args);
        match &*name {
            "collections.OrderedDict" => {
                let listed = args.first().map_or(&[][..], |a| self.items(a));
                let pair = |p: &PickleValue| match self.items(p) {
                    [key, value] => Some((key.clone(), value.clone())),
                    _ => None,
                };
                let pairs = listed.iter().filter_map(pair).collect();
                self.dict(pairs)
            }
            "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2" => {
                let tensor = self.tensor(args)?;
                self.charge(size_of::<TensorRef>() + LIST)?;
                Ok(tensor)
            }
            "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state" => {
                args.first().cloned().ok_or_else(|| "the pickle describes a parameter without a tensor".to_owned())
            }
            _ => Ok(PickleValue::Inert(name)),
        }
    }

    fn numbers(&self, value: &PickleValue) -> Outcome<Vec<i64>> {
        let number = |v: &PickleValue| match v {
            PickleValue::Int(n) if *n >= 0 => Ok(*n),
            _ => Err("the pickle describes a tensor of no shape".to_owned()),
        };
        match self.items(value) {
            items if items.len() <= MAX_DIMS => items.iter().map(number).collect(),
            _ => Err("the pickle describes a tensor of too many dimensions".to_owned()),
        }
    }

    fn tensor(&self, args: &[PickleValue]) -> Outcome<PickleValue> {
        match args {
            [PickleValue::Storage(storage), PickleValue::Int(offset), size, stride, ..] if *offset >= 0 => {
                Ok(PickleValue::Tensor(Rc::new(TensorRef {
                    storage: storage.clone(),
                    offset: *offset,
                    size: self.numbers(size)?,
                    stride: self.numbers(stride)?,
                })))
            }
            _ => Err("the pickle describes a tensor in a way torch.save does not".to_owned()),
        }
    }

    /// `("storage", class, key, device, length[, view])`.
    fn persistent(&self, id: &PickleValue) -> Outcome<PickleValue> {
        match self.items(id) {
            [PickleValue::Str(tag), class, PickleValue::Str(key), _, PickleValue::Int(length), view @ ..]
                if &**tag == "storage" =>
            {
                let view_offset = match view.first().map(|v| self.items(v)) {
                    Some([_, PickleValue::Int(offset), _]) if *offset >= 0 => *offset,
                    _ => 0,
                };
                let class = name_of(class);
                Ok(PickleValue::Storage(Rc::new(Storage { class, key: key.clone(), length: *length, view_offset })))
            }
            _ => Err("the pickle refers to something that is not a storage".to_owned()),
        }
    }
}

fn name_of(value: &PickleValue) -> Rc<str> {
    match value {
        PickleValue::Global(name) | PickleValue::Inert(name) => name.clone(),
        _ => "something unnamed".into(),
    }
}

fn pairs(items: Vec<PickleValue>) -> Vec<(PickleValue, PickleValue)> {
    let mut pairs = Vec::with_capacity(items.len() / 2);
    let mut items = items.into_iter();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        pairs.push((key, value));
    }
    pairs
}
