//! What a pickle may hold, as far as weights need it.

use std::rc::Rc;

/// A storage of `torch.save`: raw elements under a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Storage {
    /// `torch.FloatStorage` and the like.
    pub class: Rc<str>,
    /// Name of the file's entry.
    pub key: Rc<str>,
    /// Elements, as the pickle says.
    pub length: i64,
    /// Where a storage that is a view (old files) begins in its root, elements.
    pub view_offset: i64,
}

/// A tensor: a strided view of a storage.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorRef {
    /// Its elements.
    pub storage: Rc<Storage>,
    /// First element.
    pub offset: i64,
    /// Shape.
    pub size: Vec<i64>,
    /// Strides in elements.
    pub stride: Vec<i64>,
}

/// A pickled value.
#[derive(Clone, Debug, PartialEq)]
pub enum PickleValue {
    /// `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// A whole number that fits.
    Int(i64),
    /// A whole number that does not fit; little-endian two's complement.
    Long(Rc<[u8]>),
    /// A real number.
    Float(f64),
    /// Text.
    Str(Rc<str>),
    /// Bytes.
    Bytes(Rc<[u8]>),
    /// A tuple or a list: index into `Pickle::sequences`.
    Sequence(usize),
    /// A dictionary: index into `Pickle::dicts`.
    Dict(usize),
    /// A function or class by name, `module.name`.
    Global(Rc<str>),
    /// A storage.
    Storage(Rc<Storage>),
    /// A tensor.
    Tensor(Rc<TensorRef>),
    /// Something else that was not built; the name of its class or function.
    Inert(Rc<str>),
    /// The stack's mark.
    Mark,
}
