import ClusterModel

extension Panel {
    /// This panel with a place for every one of some dates; where it had none its alphas miss a value.
    ///
    /// - Parameter dates: ascending, its own among them.
    package func spread(over dates: [Day]) throws(GridError) -> Panel {
        guard dates != self.dates else { return self }
        let builder = try PanelBuilder(
            refreshing: self, alphaIDs: inputOrder.map { alphaIDs[$0] }, dates: dates, stale: [])
        return try builder.finish()
    }

    /// The dates of both, ascending.
    package static func allDates(of a: Panel, _ b: Panel) -> [Day] {
        a.dates == b.dates ? a.dates : Set(a.dates).union(b.dates).sorted()
    }
}
