//! Series that are of no use: with them, a scrape is as large as it may ever be.

use campanile_metrics::{buckets, catalogue, labels};

labels! {
    /// A digit.
    pub(crate) enum Tens("tens") {
        T0 = "0", T1 = "1", T2 = "2", T3 = "3", T4 = "4",
        T5 = "5", T6 = "6", T7 = "7", T8 = "8", T9 = "9",
    }
}
labels! {
    /// Another.
    pub(crate) enum Ones("ones") {
        O0 = "0", O1 = "1", O2 = "2", O3 = "3", O4 = "4",
        O5 = "5", O6 = "6", O7 = "7", O8 = "8", O9 = "9",
    }
}
labels! {
    /// What became of it.
    pub(crate) enum Outcome("result") {
        Ok = "ok", Rejected = "rejected", Duplicate = "duplicate", Failed = "failed",
    }
}

catalogue! {
    /// As many series as bring a server to ten thousand.
    pub(crate) struct Ballast {
        /// Counted.
        counter a(Tens, Ones, Outcome) = "chat_ballast_a_total";
        /// Counted.
        counter b(Tens, Ones, Outcome) = "chat_ballast_b_total";
        /// Counted.
        counter c(Tens, Ones, Outcome) = "chat_ballast_c_total";
        /// Counted.
        counter d(Tens, Ones, Outcome) = "chat_ballast_d_total";
        /// Counted.
        counter e(Tens, Ones, Outcome) = "chat_ballast_e_total";
        /// Counted.
        counter f(Tens, Ones, Outcome) = "chat_ballast_f_total";
        /// How many now.
        gauge g(Tens, Ones, Outcome) = "chat_ballast_g";
        /// How many now.
        gauge h(Tens, Ones, Outcome) = "chat_ballast_h";
        /// Time taken.
        histogram i(Tens, Ones) = "chat_ballast_i_seconds" [Seconds] buckets buckets::LATENCY;
        /// Time taken.
        histogram j(Tens, Ones) = "chat_ballast_j_seconds" [Seconds] buckets buckets::LATENCY;
    }
}
