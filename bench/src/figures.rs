//! What was measured: samples, and lines of the report made from them.

/// Values of one kind, in one unit.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// Takes one more.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The value below which a `share` (0 to 1) of the samples lies: the nearest rank. NaN if empty.
    pub fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        // Both ends are in range: a share is at most 1, and of none there is none.
        let rank = (share * sorted.len() as f64).ceil().max(1.0) as usize;
        sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
    }

    /// The middle one.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Each value less the one of the same pair in `other`.
    pub fn less(&self, other: &Self) -> Self {
        Self(
            self.0
                .iter()
                .zip(&other.0)
                .map(|(own, other)| own - other)
                .collect(),
        )
    }
}

/// One line of the report.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// Its values, each with a label such as `median`.
    pub values: Vec<(&'static str, f64)>,
    /// The unit of all of them.
    pub unit: &'static str,
    /// What it should be.
    pub goal: Option<Goal>,
}

/// What a figure should be, in words, and whether it is.
#[derive(Clone, Debug)]
pub struct Goal {
    /// For instance `< 0.5 ms`.
    pub words: String,
    /// Whether it is reached.
    pub reached: bool,
}

/// One figure with all its lines.
#[derive(Clone, Debug)]
pub struct Section {
    /// What it tells.
    pub title: String,
    /// Its lines.
    pub rows: Vec<Row>,
    /// What the reader has to know.
    pub notes: Vec<String>,
}

impl Row {
    /// One value.
    pub fn single(name: impl Into<String>, label: &'static str, value: f64, unit: &'static str) -> Self {
        Self {
            name: name.into(),
            values: vec![(label, value)],
            unit,
            goal: None,
        }
    }

    /// Median, 10th and 90th percentile.
    pub fn spread(name: impl Into<String>, samples: &Samples, unit: &'static str) -> Self {
        let mut row = Self::single(name, "median", samples.median(), unit);
        row.values.push(("p10", samples.quantile(0.1)));
        row.values.push(("p90", samples.quantile(0.9)));
        row
    }

    /// Median and 99th percentile.
    pub fn tail(name: impl Into<String>, samples: &Samples, unit: &'static str) -> Self {
        let mut row = Self::single(name, "median", samples.median(), unit);
        row.values.push(("p99", samples.quantile(0.99)));
        row
    }

    /// The first value should be below `limit`.
    pub fn below(mut self, limit: f64) -> Self {
        self.goal = Some(Goal {
            words: format!("< {limit} {}", self.unit),
            reached: self.first() < limit,
        });
        self
    }

    /// The first value should be above that of `other`, called `whose`.
    pub fn above(mut self, other: f64, whose: &str) -> Self {
        self.goal = Some(Goal {
            words: format!("more than {whose}"),
            reached: self.first() > other,
        });
        self
    }

    /// The first value should be below that of `other`, called `whose`.
    pub fn under(mut self, other: f64, whose: &str) -> Self {
        self.goal = Some(Goal {
            words: format!("less than {whose}"),
            reached: self.first() < other,
        });
        self
    }

    fn first(&self) -> f64 {
        self.values.first().map_or(f64::NAN, |(_, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_ranks() {
        let mut samples = Samples::default();
        (1..=200).rev().for_each(|value| samples.push(f64::from(value)));
        assert_eq!(samples.median(), 100.0);
        assert_eq!(samples.quantile(0.99), 198.0);
        assert_eq!(samples.quantile(1.0), 200.0);
        assert!(Samples::default().median().is_nan());
    }

    #[test]
    fn a_goal_is_judged_by_the_first_value() {
        let mut samples = Samples::default();
        [0.4, 0.4, 9.0].into_iter().for_each(|value| samples.push(value));
        assert!(Row::spread("x", &samples, "ms").below(0.5).goal.unwrap().reached);
        let nothing = Row::spread("x", &Samples::default(), "ms").below(0.5);
        assert!(!nothing.goal.unwrap().reached);
    }
}
