import ClusterModel

extension Panel {
    /// Writes the panel to a file that appears when it is complete (format: `PanelFileHeader`).
    package func write(to path: String) throws(GridError) {
        let metadata = encodedMetadata()
        let file = try AtomicFile(path: path)
        try file.write(PanelFileHeader(self, metadata: metadata).encoded())
        try file.write(storageBytes)
        try file.write(metadata)
        try file.commit()
    }

    /// Maps a panel file; every byte of it is checked against a hash first.
    ///
    /// The file may be replaced or deleted while the panel is in use, but not be cut short.
    /// - Throws: `GridError(.failed)` when it is damaged, truncated or of another version; `.notFound` when it is not there.
    package static func open(path: String) throws(GridError) -> Panel {
        try read(FileSystem.contents(of: path), name: FileSystem.name(path))
    }

    /// The panel in the bytes of a file, which it goes on to use.
    /// - Parameter name: names them in errors.
    /// - Throws: `GridError(.failed)` when they are damaged, truncated or of another version.
    package static func read(_ file: Payload, name: String) throws(GridError) -> Panel {
        let header = try PanelFileHeader(decoding: file.bytes, name: name)
        let blocksEnd = try header.blocksEnd(fileBytes: file.count, name: name)
        let metadata = UnsafeRawBufferPointer(rebasing: file.bytes[blocksEnd...])
        guard PanelHashing.hash(metadata) == header.metadataHash else {
            throw PanelFileHeader.damaged(name, "its metadata does not match its hash")
        }
        let blocks = UnsafeRawBufferPointer(rebasing: file.bytes[PanelFileHeader.byteCount..<blocksEnd])
        let storage = Payload(adopting: blocks) { withExtendedLifetime(file) {} }
        let parts: Parts
        do throws(GridError) {
            parts = try parse(metadata, header, storage, name: name)
        } catch {
            throw error.kind == .failed ? error : PanelFileHeader.damaged(name, error.message)
        }
        let hashes = PanelHashing.parts(storage, parts.shape)
        for (index, hash) in hashes.enumerated() where hash != parts.partHashes[index] {
            let block = index / parts.shape.blockSize.partCount
            throw PanelFileHeader.damaged(name, "block \(block) does not match its hash")
        }
        let panel = Panel(parts)
        guard panel.contentHash == header.contentHash else {
            throw PanelFileHeader.damaged(name, "its content does not match its hash")
        }
        try panel.checkValues(name: name)
        return panel
    }

    private func encodedMetadata() -> [UInt8] {
        let hashBytes = (alphaCount + blockCount) * shape.blockSize.partCount * 32
        var writer = ByteWriter(capacity: 64 + dates.count * 4 + alphaCount * 32 + hashBytes)
        for block in 0..<blockCount { writer.write(UInt32(alphas(inBlock: block).count)) }
        for date in dates { writer.write(date.rawValue) }
        for id in alphaIDs { writer.write(id) }
        writer.writeArray(inputOrder.map { UInt32($0) })
        for name in blockNames { for hash in name.parts { writer.write(hash) } }
        for hash in seriesHashes { writer.write(hash) }
        return writer.bytes
    }

    private static func parse(
        _ metadata: UnsafeRawBufferPointer, _ header: PanelFileHeader, _ storage: Payload, name: String
    ) throws(GridError) -> Parts {
        var reader = ByteReader(metadata, what: "metadata")
        func damaged(_ what: String) -> GridError { PanelFileHeader.damaged(name, what) }
        let counts = try reader.readArray(UInt32.self, count: Int(header.blockCount)).map { Int($0) }
        let shape = try PanelShape(
            blockCounts: counts, dayCount: Int(header.dayCount), blockEdge: Int(header.blockEdge), name: "its metadata")
        guard shape.alphaCount == Int(header.alphaCount) else {
            throw damaged("its blocks have \(shape.alphaCount) alphas, its header \(header.alphaCount)")
        }
        var dates: [Day] = []
        for _ in 0..<Int(header.dateCount) { dates.append(Day(rawValue: try reader.read())) }
        guard zip(dates, dates.dropFirst()).allSatisfy({ $0 < $1 }) else { throw damaged("its dates are not ascending") }

        var ids: [String] = []
        for _ in 0..<shape.alphaCount {
            let id = try reader.readString()
            if let problem = AlphaIDRule.problem(id) { throw damaged(problem) }
            ids.append(id)
        }
        let order = AlphaOrder.bytewise(ids)
        if let twice = AlphaOrder.duplicate(ids, bytewise: order) { throw damaged("alpha id '\(twice.printable)' occurs twice") }

        let inputOrder = try reader.readArray(UInt32.self, count: shape.alphaCount).map { Int($0) }
        var isUsed = [Bool](repeating: false, count: shape.alphaCount)
        for position in inputOrder {
            guard position < shape.alphaCount, !isUsed[position] else { throw damaged("its input order is not a permutation") }
            isUsed[position] = true
        }
        let partCount = shape.blockSize.partCount
        var partHashes: [BlockHash] = []
        for _ in 0..<(shape.blockCount * partCount) { partHashes.append(try reader.readBlockHash()) }
        var seriesHashes: [BlockHash] = []
        for _ in 0..<(shape.alphaCount * partCount) { seriesHashes.append(try reader.readBlockHash()) }
        try reader.expectEnd()
        return Parts(
            shape: shape, alphaIDs: ids, inputOrder: inputOrder, idOrder: order.map { UInt32($0) }, dates: dates,
            sampledAlphaCount: Int(header.sampledAlphaCount), partHashes: partHashes, seriesHashes: seriesHashes,
            storage: storage)
    }

    /// Hashes only say that the file is as it was written; kernels also rely on finite values and missing padding.
    private func checkValues(name: String) throws(GridError) {
        let isValid = PanelHashing.concurrentMap(blockCount) { index in
            let (values, limit) = (self.block(index), Limits.valueMagnitudeMax)
            let used = self.alphas(inBlock: index).count * self.dayCount
            // To the end in any case: leaving at the first one would keep the compiler from taking vectors.
            var invalid: UInt8 = 0
            for i in 0..<used { invalid |= values[i].magnitude > limit ? 1 : 0 }
            for i in used..<values.count { invalid |= values[i].isNaN ? 0 : 1 }
            return invalid == 0
        }
        if let index = isValid.firstIndex(of: false) {
            throw PanelFileHeader.damaged(name, "block \(index) has values that no panel has")
        }
    }
}
