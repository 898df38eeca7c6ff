//! What the exporter says: metric families, and the text they are written in.

mod buffer;
mod family;
mod gzip;
mod labels;
mod pattern;
mod piece;
mod rope;
mod text;
mod units;

pub use buffer::Buffer;
pub use family::{
    Described, Descriptor, Family, Kind, Metric, Named, Pattern, Table, counter, gauge, histogram,
    info, untyped,
};
pub use gzip::Gzip;
pub use labels::{LabelBlock, LabelValue, Labels, Whole, Word};
pub use pattern::PatternWriter;
pub use piece::{Home, Piece, whole};
pub use rope::Place;
pub use text::{FamilyWriter, Text, append_number};
pub use units::{Value, count, kib, micros, millis, nanos, sectors, ticks};
