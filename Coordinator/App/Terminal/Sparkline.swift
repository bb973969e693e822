/// Numbers as a line of bars, the newest at the right.
enum Sparkline {
    private static let blocks: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    private static let plain: [Character] = ["_", ".", ":", "-", "=", "+", "*", "#"]

    /// - Parameters:
    ///   - width: of the last values so many are shown, each in one column.
    ///   - isUnicode: whether the terminal shows more than ASCII.
    static func text(_ values: [Double], width: Int, isUnicode: Bool) -> String {
        let shown = values.suffix(max(0, width))
        let highest = shown.max() ?? 0
        let bars = isUnicode ? blocks : plain
        return String(
            shown.map { value in
                guard highest > 0, value > 0, value.isFinite else { return bars[0] }
                return bars[min(bars.count - 1, Int(value / highest * Double(bars.count - 1) + 0.5))]
            })
    }

    /// Whether a locale says that the terminal reads UTF-8.
    static func isUnicode(_ environment: [String: String]) -> Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        return locale.uppercased().contains("UTF-8") || locale.uppercased().contains("UTF8")
    }
}
