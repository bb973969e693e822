/// Where points lie in the plane or in space.
package struct Coordinates: Sendable, Equatable {
    package let count: Int
    /// 2 or 3.
    package let dimensions: Int
    /// Point i at [i * dimensions ..< (i + 1) * dimensions]; NaN for a point without any neighbour, which has no place.
    package let values: [Float]

    package init(count: Int, dimensions: Int, values: [Float]) {
        precondition(values.count == count * dimensions)
        self.count = count
        self.dimensions = dimensions
        self.values = values
    }

    package subscript(point: Int) -> ArraySlice<Float> { values[(point * dimensions)..<((point + 1) * dimensions)] }

    package func isPlaced(_ point: Int) -> Bool { !values[point * dimensions].isNaN }
}
