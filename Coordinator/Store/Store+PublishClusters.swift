import ClusterModel

extension Publication {
    /// Name of the table that clusters go to.
    package var clustersTable: String { RegionTables(region).clusters(target) }
}

extension Store {
    /// Replaces the clusters, layouts and trees of a region, or of a job, in one transaction: what is shown together is of one
    /// job. The same rules as for `publishCorrelation`.
    ///
    /// - Throws: `GridError(.conflict)` when another coordinator has taken over, or the region's settings are no longer
    ///   those of the publication (target `.region`); nothing is written then.
    @discardableResult
    package func publishClusters(
        _ result: ClusterResult, of publication: Publication, epoch: Epoch, saving job: JobView? = nil
    ) throws(GridError) -> PublishReport {
        try ensureRegion(publication.region)
        let tables = RegionTables(publication.region)
        return try publishing(publication, into: publication.clustersTable, epoch: epoch, saving: job) { connection in
            let gone = try Self.lockAlphas(result.alphaIDs, of: publication, connection)
            try Self.replace(
                tables.clusters(publication.target),
                ["alpha_id", "method", "label", "probability", "silhouette", "coordinates"], of: publication, connection
            ) { writer in
                for row in result.rows where !gone.contains(row.alphaID) { try Self.write(row, publication, writer) }
            }
            try Self.replaceMethods(result.methods, tables, of: publication, connection)
            try Self.replace(
                tables.tree(publication.target), ["alpha_id_a", "alpha_id_b", "correlation", "distance"], of: publication,
                connection
            ) { writer in
                for edge in result.tree where !gone.contains(edge.alphaIDA) && !gone.contains(edge.alphaIDB) {
                    try writer.row(fields: 5)
                    try writer.put(edge.alphaIDA)
                    try writer.put(edge.alphaIDB)
                    try writer.put(edge.correlation)
                    try writer.put(edge.distance)
                    try writer.put(publication.jobID.rawValue)
                }
            }
            return (result.alphaIDs.count, result.alphaIDs.count - gone.count)
        }
    }

    /// Makes `incoming_rows` of ids alone. Of a region's own result, the alphas that are there are locked, so that none goes
    /// before the result is published.
    ///
    /// - Returns: those that are gone already.
    static func lockAlphas(
        _ ids: [String], of publication: Publication, _ connection: Connection
    ) throws -> AlphaIndex {
        try connection.execute("CREATE TEMP TABLE incoming_rows (alpha_id varchar(50) PRIMARY KEY) ON COMMIT DROP")
        try connection.copyIn("COPY incoming_rows FROM STDIN (FORMAT binary)") { writer in
            for id in ids {
                try writer.row(fields: 1)
                try writer.put(id)
            }
        }
        guard publication.target == .region else { return AlphaIndex([]) }
        let present = try connection.execute(
            """
            SELECT i.alpha_id FROM incoming_rows i JOIN alphas a ON a.alpha_id = i.alpha_id
            ORDER BY i.alpha_id FOR KEY SHARE OF a
            """
        ).texts()
        return AlphaIndex(absent(ids, from: present))
    }

    private static func write(_ row: ClusterRow, _ publication: Publication, _ writer: CopyWriter) throws {
        try writer.row(fields: 7)
        try writer.put(row.alphaID)
        try writer.put(row.method)
        try writer.put(row.label.map { Int32(clamping: $0) })
        try writer.put(row.probability)
        try writer.put(row.silhouette)
        if let coordinates = row.coordinates { try writer.put(coordinates) } else { try writer.putNull() }
        try writer.put(publication.jobID.rawValue)
    }

    private static func replaceMethods(
        _ methods: [ClusterMethodRow], _ tables: RegionTables, of publication: Publication, _ connection: Connection
    ) throws {
        let columns = ["method", "parameters", "figures", "notes", "clusters", "noise", "silhouette"]
        let arrays = ["alpha_ids", "left_nodes", "right_nodes", "heights", "sizes", "leaves"]
        try replace(tables.clusterMethods(publication.target), columns + arrays, of: publication, connection) { writer in
            for row in methods {
                try writer.row(fields: Int16(columns.count + arrays.count + 1))
                try writer.put(row.method)
                for text in [try json(row.parameters), try json(row.figures), try json(row.notes)] { try writer.put(jsonb: text) }
                for count in [row.clusters, row.noise] { try writer.put(count.map { Int32(clamping: $0) }) }
                try writer.put(row.silhouette)
                if let tree = row.dendrogram {
                    try writer.put(tree.alphaIDs)
                    for nodes in [tree.left, tree.right] { try writer.put(nodes.map { Int32(clamping: $0) as Int32? }) }
                    try writer.put(tree.heights)
                    try writer.put(tree.sizes.map { Int32(clamping: $0) as Int32? })
                    try writer.put(tree.leaves)
                } else {
                    for _ in arrays { try writer.putNull() }
                }
                try writer.put(publication.jobID.rawValue)
            }
        }
    }

    /// Deletes what clusters and trees say of alphas that are being removed.
    static func deleteClusters(of ids: [String], _ tables: RegionTables, _ connection: Connection) throws(DatabaseError) {
        for target in [Publication.Target.region, .job] {
            let clusters = quoted(identifier: tables.clusters(target))
            try connection.execute("DELETE FROM \(clusters) WHERE alpha_id = ANY ($1::text[])", [.texts(ids)])
            let selection = quoted(identifier: tables.selection(target))
            try connection.execute("DELETE FROM \(selection) WHERE alpha_id = ANY ($1::text[])", [.texts(ids)])
            let tree = quoted(identifier: tables.tree(target))
            for column in ["alpha_id_a", "alpha_id_b"] {
                try connection.execute("DELETE FROM \(tree) WHERE \(column) = ANY ($1::text[])", [.texts(ids)])
            }
        }
    }
}
