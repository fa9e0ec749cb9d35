//! Asks one question about many images: one row in, one row out, in order. Knows no BigQuery and no notebook.

pub mod answers;
pub mod budget;
pub mod columns;
mod commit;
mod control;
mod cost;
mod dispatcher;
mod feed;
mod flights;
pub mod hedge;
pub mod image;
pub mod input;
pub mod limiter;
pub mod outcomes;
pub mod progress;
pub mod prompt;
mod queue;
pub mod run;
mod work;
pub mod trouble;

pub use columns::AnswerSchema;
pub use control::Stop;
pub use image::ImageSource;
pub use input::Input;
pub use limiter::{ConcurrencyRange, Limits};
pub use outcomes::EndedRows;
pub use progress::ProgressSnapshot;
pub use prompt::Prompt;
pub use run::{Question, Run, RunOptions, Services};
