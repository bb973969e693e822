/// A queue that gives the smallest element first: a binary heap. Of equal elements either may come first, so the order of
/// `Element` has to tell apart what must not be exchanged.
struct SmallestFirst<Element: Comparable> {
    private var elements: [Element] = []

    mutating func push(_ element: Element) {
        elements.append(element)
        var at = elements.count - 1
        while at > 0, elements[at] < elements[(at - 1) / 2] {
            elements.swapAt(at, (at - 1) / 2)
            at = (at - 1) / 2
        }
    }

    mutating func pop() -> Element? {
        guard let first = elements.first else { return nil }
        let last = elements.removeLast()
        if elements.isEmpty { return first }
        elements[0] = last
        var at = 0
        while true {
            var least = at
            for child in [2 * at + 1, 2 * at + 2] where child < elements.count && elements[child] < elements[least] {
                least = child
            }
            if least == at { return first }
            elements.swapAt(at, least)
            at = least
        }
    }
}
