//! Reads the table `[limits]`, in which each limit of the framework can be set by name, within its
//! bounds.

use std::{collections::BTreeMap, fmt};

use doorward::{
    Limits,
    server::{Limit, LimitError, LimitValue},
};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};

use super::form::{Form, Known};
use super::span::Span;

/// Values of the limits that were set, by name of the limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LimitSettings(BTreeMap<&'static str, LimitValue>);

impl LimitSettings {
    /// Returns these limits, and those of `weaker` that are not set here.
    pub(super) fn or(self, mut weaker: Self) -> Self {
        weaker.0.extend(self.0);
        weaker
    }

    /// Appends every limit to the list of settings. `inside` is the prefix of their names.
    pub(super) fn list(all: &mut Vec<Known>, inside: &str) {
        all.extend(Limits::ALL.iter().map(|limit| Known {
            name: format!("{inside}{}", limit.name()),
            form: match limit.default() {
                LimitValue::Count(_) => Form::Number,
                LimitValue::Time(_) => Form::Text,
            },
        }));
    }

    /// Returns the defaults of the framework, overridden by the limits that were set. Fails if the
    /// limits contradict each other.
    pub(super) fn limits(&self) -> Result<Limits, LimitError> {
        let mut limits = Limits::default();
        for limit in Limits::ALL {
            if let Some(value) = self.0.get(limit.name()) {
                limit.set(&mut limits, *value)?;
            }
        }
        limits.check()?;
        Ok(limits)
    }
}

impl<'de> Deserialize<'de> for LimitSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Table)
    }
}

struct Table;

impl<'de> Visitor<'de> for Table {
    type Value = LimitSettings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of limits")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LimitSettings, A::Error> {
        let mut set = LimitSettings::default();
        while let Some(name) = map.next_key::<String>()? {
            let limit = Limits::ALL.iter().find(|limit| limit.name() == name);
            let limit =
                limit.ok_or_else(|| A::Error::custom(format_args!("there is no limit {name}")))?;
            set.0.insert(limit.name(), map.next_value_seed(Value(limit))?);
        }
        Ok(set)
    }
}

/// Deserializes the value of one limit.
struct Value(&'static Limit);

impl<'de> serde::de::DeserializeSeed<'de> for Value {
    type Value = LimitValue;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<LimitValue, D::Error> {
        let Self(limit) = self;
        let value = match limit.default() {
            LimitValue::Time(_) => LimitValue::Time(Span::deserialize(deserializer)?.get()),
            LimitValue::Count(_) => {
                let written = i64::deserialize(deserializer)?;
                let count = usize::try_from(written).map_err(|_negative| {
                    let (name, least, most) = (limit.name(), limit.least(), limit.most());
                    D::Error::custom(format_args!(
                        "the limit {name} is {written}, and must be from {least} to {most}"
                    ))
                })?;
                LimitValue::Count(count)
            }
        };
        limit.check(value).map_err(D::Error::custom)?;
        Ok(value)
    }
}
