import ArgumentParser
import ClusterModel
import Store

struct DatabasePoolsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pools",
        abstract: "List, show and change pools: named sets of a region's alphas.",
        discussion: """
            The pools 'submitted', 'unsubmitted', 'regular' and 'super' are always there and hold what their names say: \
            'super' the submitted SUPER alphas, 'regular' the submitted others.

            Examples:
              alphagrid db pools --region USA
              alphagrid db pools create core --region USA --ids-from core.txt
              alphagrid db pools add core A1B2C3 --region USA
              alphagrid run correlation --region USA --pool core
            """,
        subcommands: [List.self, Show.self, Create.self, Add.self, Remove.self, Delete.self],
        defaultSubcommand: List.self)

    /// The region whose pools are meant, and where they are.
    struct Place: ParsableArguments {
        @Option(help: "Region, such as USA.", completion: .regions)
        var region: String

        @OptionGroup var output: OutputOptions
        @OptionGroup var database: DatabaseOptions

        func open() throws(GridError) -> (store: Store, region: Region) {
            let region = try Region(region)
            return (try Store(url: try database.resolved()), region)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the pools of a region.",
            discussion: """
                Examples:
                  alphagrid db pools list --region USA
                """)
        @OptionGroup var place: Place

        func run() throws {
            let (store, region) = try place.open()
            try place.output.print(try store.pools(region))
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Print the ids of a pool's alphas.",
            discussion: """
                Examples:
                  alphagrid db pools show core --region USA > core.txt
                """)
        @Argument(help: "Name of the pool.", completion: .regionPools(builtIn: true)) var name: String
        @OptionGroup var place: Place

        func run() throws {
            let (store, region) = try place.open()
            let ids = try store.poolMembers(region, pool: name)
            if place.output.isJSON { return try StandardOutput.writeJSON(ids) }
            StandardOutput.write(ids.map { $0 + "\n" }.joined())
        }
    }

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create", abstract: "Make a pool of submitted alphas.",
            discussion: """
                Examples:
                  alphagrid db pools create core --region USA --ids-from core.txt
                """)
        @Argument(help: "Name of the pool.") var name: String
        @OptionGroup var selection: AlphaSelection
        @OptionGroup var place: Place

        func run() throws {
            let ids = try selection.resolved()
            let (store, region) = try place.open()
            try store.createPool(region, pool: name, alphaIDs: ids)
            try place.output.print(try store.pools(region).filter { $0.pool == name })
        }
    }

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Put submitted alphas into a pool.",
            discussion: """
                Examples:
                  alphagrid db pools add core A1B2C3 D4E5F6 --region USA
                """)
        @Argument(help: "Name of the pool.", completion: .regionPools(builtIn: false)) var name: String
        @OptionGroup var selection: AlphaSelection
        @OptionGroup var place: Place

        func run() throws {
            let ids = try selection.required()
            let (store, region) = try place.open()
            try store.addToPool(region, pool: name, alphaIDs: ids)
            try place.output.print(try store.pools(region).filter { $0.pool == name })
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove", abstract: "Take alphas out of a pool.",
            discussion: """
                Examples:
                  alphagrid db pools remove core A1B2C3 --region USA
                """)
        @Argument(help: "Name of the pool.", completion: .regionPools(builtIn: false)) var name: String
        @OptionGroup var selection: AlphaSelection
        @OptionGroup var place: Place

        func run() throws {
            let ids = try selection.required()
            let (store, region) = try place.open()
            try store.removeFromPool(region, pool: name, alphaIDs: ids)
            try place.output.print(try store.pools(region).filter { $0.pool == name })
        }
    }

    struct Delete: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete", abstract: "Delete a pool; its alphas stay.",
            discussion: """
                Examples:
                  alphagrid db pools delete core --region USA
                """)
        @Argument(help: "Name of the pool.", completion: .regionPools(builtIn: false)) var name: String
        @OptionGroup var place: Place

        func run() throws {
            let (store, region) = try place.open()
            try store.deletePool(region, pool: name)
            try place.output.print(try store.pools(region))
        }
    }
}

extension OutputOptions {
    func print(_ pools: [PoolView]) throws {
        if isJSON { return try StandardOutput.writeJSON(pools) }
        StandardOutput.writeTable(
            TextTable(
                [.init("POOL"), .init("REGION"), .init("ALPHAS", .right), .init("KIND")],
                rows: pools.map { [$0.pool, $0.region, "\($0.alphas)", $0.builtIn ? "built in" : "own"] }))
    }
}
