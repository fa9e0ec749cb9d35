//! The texts of a column as Python strings.

use arrow_array::StringArray;
use pyo3::prelude::*;
use pyo3::types::PyString;
use std::cell::RefCell;

/// Texts, of which those that come again and again, as labels do, become one Python string.
pub(crate) struct Texts {
    array: StringArray,
    recent: RefCell<Recent>,
}

/// Texts met last, by row.
struct Recent {
    slots: Vec<Option<(usize, Py<PyString>)>>,
    /// How many more texts may be new before nothing is looked up any longer: a column of addresses repeats nothing.
    patience: usize,
}

const SLOTS: usize = 16;
const PATIENCE: usize = 64;

impl Texts {
    pub(crate) fn new(array: StringArray) -> Self {
        let slots = (0..SLOTS).map(|_| None).collect();
        Self { array, recent: RefCell::new(Recent { slots, patience: PATIENCE }) }
    }

    /// One text.
    pub(crate) fn get(&self, py: Python<'_>, row: usize) -> Py<PyString> {
        let text = self.array.value(row);
        let recent = &mut *self.recent.borrow_mut();
        if recent.patience == 0 {
            return PyString::new(py, text).unbind();
        }
        let slot = &mut recent.slots[slot(text.as_bytes())];
        if let Some((earlier, string)) = slot
            && self.array.value(*earlier) == text
        {
            recent.patience = PATIENCE.min(recent.patience + 1);
            return string.clone_ref(py);
        }
        recent.patience -= 1;
        let string = PyString::new(py, text).unbind();
        *slot = Some((row, string.clone_ref(py)));
        string
    }
}

fn slot(text: &[u8]) -> usize {
    let byte = |index: usize| text.get(index).copied().map_or(0, usize::from);
    (text.len() * 31 + byte(text.len() / 2) * 7 + byte(text.len().saturating_sub(1))) % SLOTS
}
