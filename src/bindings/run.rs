//! A run over many images as Python sees it.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use streetlens_core::classify::{EndedRows, Interval, Plan, Run as CoreRun, Stop};
use streetlens_core::session::RunInto;

use crate::bridge;
use crate::call::Call;
use crate::classify::Schema;
use crate::error::to_python;
use crate::table::NativeTable;

/// A run whose results and counters can be read at any time.
#[pyclass(frozen, module = "streetlens._streetlens")]
pub(crate) struct Run {
    core: CoreRun,
    /// The same run with the table that its results go into.
    into: Option<RunInto>,
}

impl Run {
    pub(crate) fn new(core: CoreRun) -> Self {
        Self { core, into: None }
    }

    pub(crate) fn into_table(into: RunInto, core: CoreRun) -> Self {
        Self { core, into: Some(into) }
    }
}

/// Whoever writes the results holds the run as well, and shall not keep it going.
impl Drop for Run {
    fn drop(&mut self) {
        if self.into.is_some() {
            self.core.stop(Stop::Now);
        }
    }
}

#[pymethods]
impl Run {
    /// Asks about every row, and stops the run when nobody waits for that any more.
    fn execute(&self) -> Call {
        let (core, into) = (self.core.clone(), self.into.clone());
        let work = async move {
            match into {
                Some(into) => into.execute().await,
                None => core.execute().await,
            }
        };
        Call::new(work, |py, ()| Ok(py.None()))
    }

    /// Gives the run the answers that its table holds; a missing table is made unless it is only looked for.
    fn recall(&self, is_made: bool) -> Call {
        let into = self.into.clone();
        let work = async move {
            match into {
                Some(into) if is_made => into.prepare().await,
                Some(into) => into.recall().await,
                None => Ok(()),
            }
        };
        Call::new(work, |py, ()| Ok(py.None()))
    }

    /// What the run would take, from up to so many rows whose tokens are counted; nothing is generated.
    fn plan(&self, sample: usize) -> Call {
        let core = self.core.clone();
        Call::new(async move { core.plan(sample).await }, |py, plan| Ok(plan_values(py, &plan)?.into_any().unbind()))
    }

    /// The same question for the rows that the store has no answer for; the result is another `Run`.
    fn unanswered(&self) -> Call {
        let core = self.core.clone();
        Call::new(async move { core.unanswered().await }, |py, core| {
            Ok(Self::new(core).into_pyobject(py)?.into_any().unbind())
        })
    }

    /// Begins in the background.
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        let runtime = bridge::runtime().map_err(|error| to_python(py, error))?;
        let _entered = runtime.enter();
        match &self.into {
            Some(into) => into.start(),
            None => self.core.start(),
        }
        Ok(())
    }

    /// The end of a run that began in the background, its rows in their table.
    fn ended(&self) -> Call {
        let (core, into) = (self.core.clone(), self.into.clone());
        let work = async move {
            match into {
                Some(into) => into.wait().await,
                None => core.wait().await,
            }
        };
        Call::new(work, |py, ()| Ok(py.None()))
    }

    /// At most so many rows in the order in which they ended, without the first `after`: their places in the input and
    /// their part of the results, or `None` after the last one.
    fn next_rows(&self, after: usize, at_most: usize) -> Call {
        let core = self.core.clone();
        Call::new(async move { core.next_rows(after, at_most).await }, |py, ended| match ended {
            Some(EndedRows { rows, table }) => {
                Ok((rows, NativeTable::of(table)).into_pyobject(py)?.into_any().unbind())
            }
            None => Ok(py.None()),
        })
    }

    /// Stops the run: `now`, or after the answers under way.
    fn stop(&self, now: bool) {
        self.core.stop(if now { Stop::Now } else { Stop::AfterAnswersUnderWay });
    }

    /// Changes how many requests may be under way.
    fn set_concurrency(&self, py: Python<'_>, concurrency: &str) -> PyResult<()> {
        let changed = concurrency.parse().and_then(|concurrency| self.core.set_concurrency(concurrency));
        changed.map_err(|error| to_python(py, error))
    }

    /// The same question for the rows without a good answer.
    fn again(&self, py: Python<'_>) -> PyResult<Self> {
        let core = self.core.clone();
        let again = py.detach(move || core.again()).map_err(|error| to_python(py, error))?;
        Ok(match &self.into {
            Some(into) => Self::into_table(into.again(again.clone()), again),
            None => Self::new(again),
        })
    }

    /// The answers so far, read by another schema.
    fn reparse(&self, py: Python<'_>, schema: Option<Schema>) -> PyResult<Self> {
        let core = self.core.clone();
        let reparsed = py.detach(move || core.reparse(Schema::or_text(schema)?));
        reparsed.map(Self::new).map_err(|error| to_python(py, error))
    }

    /// The results so far.
    fn table(&self, py: Python<'_>) -> PyResult<NativeTable> {
        let core = self.core.clone();
        py.detach(move || core.table()).map(NativeTable::of).map_err(|error| to_python(py, error))
    }

    /// The text of each row's answer as the model gave it.
    fn texts(&self, py: Python<'_>) -> Vec<Option<String>> {
        let core = self.core.clone();
        py.detach(move || core.texts().into_iter().map(|text| text.map(String::from)).collect())
    }

    /// What the user should hear and has not heard yet.
    fn take_notes(&self) -> Vec<String> {
        self.core.take_notes()
    }

    /// Whether it ended.
    #[getter]
    fn is_over(&self) -> bool {
        self.core.is_over()
    }

    /// The run's id, which is on every request as the label `streetlens-run`.
    #[getter]
    fn id(&self) -> &str {
        self.core.id()
    }

    /// The counters at this moment.
    fn progress<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let progress = self.core.progress();
        let values = PyDict::new(py);
        values.set_item("total", progress.total)?;
        values.set_item("done", progress.done)?;
        values.set_item("ok", progress.ok)?;
        values.set_item("from_store", progress.from_store)?;
        values.set_item("in_flight", progress.in_flight)?;
        values.set_item("concurrency", progress.concurrency)?;
        values.set_item("throttled", progress.throttled)?;
        values.set_item("requests", progress.requests)?;
        values.set_item("refusals", progress.refusals)?;
        values.set_item("retries", progress.retries)?;
        values.set_item("input_tokens", progress.input_tokens)?;
        values.set_item("output_tokens", progress.output_tokens)?;
        values.set_item("cost_usd", progress.cost_usd)?;
        Ok(values)
    }

    /// Model, location and notes of each place that is asked, the first choice first.
    #[getter]
    fn places(&self) -> Vec<(String, String, Vec<String>)> {
        self.core.places().map(|place| (place.model.clone(), place.location.clone(), place.notes.clone())).collect()
    }
}

fn plan_values<'py>(py: Python<'py>, plan: &Plan) -> PyResult<Bound<'py, PyDict>> {
    let range = |interval: Interval| (interval.low, interval.high);
    let tiers: Vec<_> = plan.seconds_at_tiers.iter().map(|(rate, seconds)| (*rate, range(*seconds))).collect();
    let values = PyDict::new(py);
    values.set_item("rows", plan.rows)?;
    values.set_item("rows_to_ask", plan.rows_to_ask)?;
    values.set_item("stored_rows", plan.stored_rows)?;
    values.set_item("duplicate_rows", plan.duplicate_rows)?;
    values.set_item("unusable_rows", plan.unusable_rows)?;
    values.set_item("sampled_rows", plan.sampled_rows)?;
    values.set_item("input_tokens", range(plan.input_tokens))?;
    values.set_item("output_tokens", range(plan.output_tokens))?;
    values.set_item("cost_usd", plan.cost_usd.map(range))?;
    values.set_item("seconds", plan.seconds.map(range))?;
    values.set_item("seconds_at_tiers", tiers)?;
    values.set_item("prices_of", plan.prices_of.to_string())?;
    values.set_item("notes", &plan.notes)?;
    Ok(values)
}
