//! The result file: a pure function of the plan and the finished points.

use serde_json::Value;

use super::axes::{Axes, ERROR, STATUS};
use super::blocks::{Block, blocks};
use super::fields::{Field, Form, fill};
use super::folder::Folder;
use super::log::{Found, Place, Records};
use super::record::{PointRecord, PointStatus};
use crate::error::Error;
use crate::experiment::Context;
use crate::model::SweepPlan;
use crate::results::{
    Array, ArrayFile, Data, Dimension, Header, Provenance, Status, Variable, Written,
};

/// Values of one array in memory at once.
const BLOCK: usize = 1 << 16;

/// How a point ended, as a flag.
const MEANINGS: &[&str] = &["complete", "failed", "missing"];

/// Everything that goes into the file.
pub(super) struct Merge<'a> {
    pub(super) folder: &'a Folder,
    pub(super) plan: &'a SweepPlan,
    pub(super) command: &'static str,
    pub(super) found: &'a Found,
}

/// A collected field and the array it goes to.
struct Target {
    field: Field,
    lengths: Vec<usize>,
    array: Array,
}

impl Merge<'_> {
    /// Whether every point is there.
    pub(super) fn status(&self) -> Status {
        let is_whole = self.found.places.len() == self.plan.len();
        if is_whole { Status::Complete } else { Status::Interrupted }
    }

    /// Writes the file. It holds no times, no host and no command line, so the same points give the
    /// same bytes, however they were computed.
    pub(super) fn write(
        &self,
        output: &std::path::Path,
        context: &Context<'_>,
    ) -> Result<Written, Error> {
        let specification = self.plan.base().specification();
        let title = specification.title.clone();
        let header = Header {
            title: title.unwrap_or_else(|| format!("dinv sweep of {}", self.command)),
            history: "dinv sweep".to_owned(),
            references: specification.references.clone(),
        };
        let mut file = ArrayFile::create(output, true, &header)?;
        file.attribute("command", self.command)?;
        let plan = &self.folder.plan;
        let seed = specification.seed;
        file.write_group(&Provenance::timeless(&plan.text, &plan.resolved, seed))?;
        let mut axes = Axes::new(self.plan);
        let (status, error, targets) = self.arrays(&mut file, &mut axes)?;
        let most = targets.iter().map(|t| t.lengths.iter().product()).max().unwrap_or(1usize);
        let mut records = self.found.reader();
        let mut places = self.found.places.iter().peekable();
        context.progress.begin("join", Some(self.plan.len() as u64));
        for block in blocks(&Axes::lengths(self.plan), BLOCK / most.max(1)) {
            let inside = |place: &&Place| place.point < block.points.end;
            let here: Vec<Place> = std::iter::from_fn(|| places.next_if(inside)).copied().collect();
            self.block(&mut file, &block, &here, &mut records, (&status, &error, &targets))?;
            context.progress.update(block.points.end as u64, &[]);
        }
        context.progress.finish();
        drop((status, error, targets));
        Ok(file.finish(self.status(), self.found.places.len())?)
    }

    /// Coordinates first, then an array for every field.
    fn arrays(
        &self,
        file: &mut ArrayFile,
        axes: &mut Axes,
    ) -> Result<(Array, Array, Vec<Target>), Error> {
        let swept = axes.dimensions.clone();
        let mut variables = vec![
            Variable::flags(STATUS, swept.clone(), Vec::new(), MEANINGS)
                .long_name("how the point ended"),
            Variable::new(ERROR, swept.clone(), Data::Text(Vec::new()))
                .long_name("why the point failed"),
        ];
        let mut shapes = Vec::new();
        for field in self.found.fields.ordered() {
            let short = variable_name(&field.path);
            let name = axes.name(&short, &format!("{short}_value"));
            let lengths = match &field.form {
                Form::Array(lengths) => lengths.clone(),
                _ => Vec::new(),
            };
            let mut dims = swept.clone();
            for (k, length) in lengths.iter().enumerate() {
                let suffix = if k == 0 { "index".to_owned() } else { format!("index_{}", k + 1) };
                dims.push(axes.dimension(&format!("{name}_{suffix}"), *length));
            }
            variables.push(empty(&name, dims, &field.form).long_name(&field.path));
            shapes.push((field, lengths));
        }
        if !axes.auxiliary.is_empty() {
            let names = axes.auxiliary.join(" ");
            variables =
                variables.into_iter().map(|v| v.with("coordinates", names.as_str())).collect();
        }
        file.write_coordinates(&axes.dimensions, axes.coordinates.clone())?;
        let mut arrays = Vec::new();
        for variable in &variables {
            arrays.push(file.array(variable)?);
        }
        let mut arrays = arrays.into_iter();
        let mut own = || arrays.next().expect("two variables come before the fields");
        let (status, error) = (own(), own());
        let target = |((field, lengths), array)| Target { field, lengths, array };
        Ok((status, error, shapes.into_iter().zip(arrays).map(target).collect()))
    }

    fn block(
        &self,
        file: &mut ArrayFile,
        block: &Block,
        places: &[Place],
        records: &mut Records<'_>,
        (status, error, targets): (&Array, &Array, &[Target]),
    ) -> Result<(), Error> {
        let points = block.points.len();
        let mut flags = vec![2u8; points];
        let mut errors = vec![String::new(); points];
        let mut data: Vec<Data> = targets.iter().map(|t| nothing(t, points)).collect();
        for place in places {
            let PointRecord { status, error, mut values, .. } = records.read(place)?;
            let at = place.point - block.points.start;
            flags[at] = u8::from(status == PointStatus::Failed);
            errors[at] = error.unwrap_or_default();
            for (target, data) in targets.iter().zip(&mut data) {
                if let Some(value) = values.get_mut(&target.field.path) {
                    put(value.take(), target, at, data);
                }
            }
        }
        file.write_block(status, &block.ranges, &Data::U8(flags))?;
        file.write_block(error, &block.ranges, &Data::Text(errors))?;
        for (target, data) in targets.iter().zip(&data) {
            if data.is_empty() {
                continue;
            }
            let mut ranges = block.ranges.clone();
            ranges.extend(target.lengths.iter().map(|length| 0..*length));
            file.write_block(&target.array, &ranges, data)?;
        }
        Ok(())
    }
}

/// `critical.leak` as `critical_leak`, `rules."DI .001".test_error` as `rules_DI_001_test_error`.
fn variable_name(path: &str) -> String {
    let mut name = String::with_capacity(path.len());
    for c in path.chars() {
        if c.is_alphanumeric() {
            name.push(c);
        } else if !name.ends_with('_') && !name.is_empty() {
            name.push('_');
        }
    }
    let name = name.trim_end_matches('_');
    if name.is_empty() { "field".to_owned() } else { name.to_owned() }
}

/// Flags say no, yes, or that there is no value.
const TRUTH: &[&str] = &["false", "true", "missing"];

fn empty(name: &str, dims: Vec<Dimension>, form: &Form) -> Variable {
    match form {
        Form::Missing | Form::Number | Form::Array(_) => {
            Variable::new(name, dims, Data::F64(Vec::new()))
        }
        Form::Flag => Variable::flags(name, dims, Vec::new(), TRUTH),
        Form::Text => Variable::new(name, dims, Data::Text(Vec::new())),
    }
}

fn nothing(target: &Target, points: usize) -> Data {
    match target.field.form {
        Form::Flag => Data::U8(vec![2; points]),
        Form::Text => Data::Text(vec![String::new(); points]),
        _ => Data::F64(vec![f64::NAN; points * target.lengths.iter().product::<usize>()]),
    }
}

fn put(value: Value, target: &Target, at: usize, data: &mut Data) {
    match data {
        Data::F64(numbers) => {
            let width = target.lengths.iter().product::<usize>();
            fill(&value, &target.lengths, &mut numbers[at * width..(at + 1) * width]);
        }
        Data::U8(flags) => {
            if let Value::Bool(truth) = value {
                flags[at] = u8::from(truth);
            }
        }
        Data::Text(texts) => {
            texts[at] = match value {
                Value::Null => String::new(),
                Value::String(text) => text.replace('\0', "\u{fffd}"),
                other => other.to_string(),
            };
        }
        Data::I64(_) => {}
    }
}
