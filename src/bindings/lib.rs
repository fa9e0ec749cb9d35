//! The native module `streetlens._streetlens`: convert, one core call, wrap. Private; `streetlens._calls` is its only user.

#![expect(clippy::needless_pass_by_value, reason = "pyo3 hands arguments over by value")]

mod bridge;
mod call;
mod classify;
mod convert;
mod credentials;
mod error;
mod imports;
mod load;
mod log;
mod parameters;
mod polars;
mod query;
mod record;
mod run;
mod selection;
mod session;
mod store;
mod stream;
mod table;
mod texts;

/// Native half of streetlens.
#[pyo3::pymodule]
mod _streetlens {
    #[pymodule_export]
    use crate::bridge::shut_down;
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "Python's name for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
    #[pymodule_export]
    use crate::call::{Call, join};
    #[pymodule_export]
    use crate::classify::{check_schema, classify};
    #[pymodule_export]
    use crate::credentials::http_request;
    #[pymodule_export]
    use crate::load::load;
    #[pymodule_export]
    use crate::log::{follow_events, hold_events, release_events, take_events};
    #[pymodule_export]
    use crate::query::{NativeQueryProgress, estimate_query, query, stream_query, stream_table};
    #[pymodule_export]
    use crate::run::Run;
    #[pymodule_export]
    use crate::selection::{NativeSelection, PreparedSelection, snapshots};
    #[pymodule_export]
    use crate::session::{Session, generate_content, place, settings, subscribe, subscribe_listing};
    #[pymodule_export]
    use crate::store::{NativeStore, open_store};
    #[pymodule_export]
    use crate::stream::NativeStream;
    #[pymodule_export]
    use crate::table::NativeTable;
}
