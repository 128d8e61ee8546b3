//! What every program tells of itself: process, machine, runtimes, allocator, build, logs.

mod allocator;
mod lag;
mod log_lines;
mod machine;
mod process;
mod program;
mod runtime;
mod volume;

pub use allocator::{AllocatorMetrics, AllocatorSizes};
pub use lag::{LagMetrics, LagProbe};
pub use log_lines::{LogLevel, LogLines, LogMetrics};
pub use machine::MachineMetrics;
pub use process::ProcessMetrics;
pub use program::{BuildMetrics, ConfigMetrics};
pub use runtime::{RuntimeMetrics, RuntimeWatch, Worker, worker_names};
pub use volume::{Volume, VolumeMetrics};
