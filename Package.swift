// swift-tools-version: 6.2
import PackageDescription

// A folder is a role, a leaf folder is a target, and a target imports only targets
// listed above it. Each C library is touched by exactly one target.

let package = Package(
    name: "AlphaGrid",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "alphagrid", targets: ["alphagrid"]),
        .executable(name: "alphagrid-worker", targets: ["alphagrid-worker"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        // Shared: what both programs are made of.
        .systemLibrary(
            name: "COpenBLAS", path: "Shared/COpenBLAS", pkgConfig: "openblas",
            providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(
            // Without pkg-config: its flags for libzmq's optional parts are not allowed here, and none are needed.
            name: "CZeroMQ", path: "Shared/CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
        .systemLibrary(
            name: "CZlib", path: "Shared/CZlib", pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"])]),
        .target(name: "ClusterModel", path: "Shared/ClusterModel"),
        .target(
            name: "Panel",
            dependencies: ["ClusterModel", "CZlib", .product(name: "Crypto", package: "swift-crypto")],
            path: "Shared/Panel"),
        .target(
            name: "CKernels", path: "Shared/CKernels",
            // The kernels are the product's speed, so they are optimised in debug builds too.
            // Contraction into FMA would make the bits depend on the CPU.
            cSettings: [.unsafeFlags(["-O3", "-ffp-contract=off", "-fno-math-errno"])]),
        .target(name: "CChecksum", path: "Shared/CChecksum", cSettings: [.unsafeFlags(["-O2"])]),
        .target(
            name: "Kernels", dependencies: ["ClusterModel", "Panel", "CKernels", "COpenBLAS"],
            path: "Shared/Kernels"),
        // Optimised in debug builds too: layouts and hierarchies of hundreds of alphas would take minutes there.
        .target(
            name: "Clustering", dependencies: ["ClusterModel"], path: "Shared/Clustering",
            swiftSettings: [.unsafeFlags(["-O"])]),
        .target(
            name: "Embedding", dependencies: ["ClusterModel", "Kernels"], path: "Shared/Embedding",
            swiftSettings: [.unsafeFlags(["-O"])]),
        .target(
            name: "WireProtocol",
            dependencies: ["ClusterModel", "CChecksum", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
            path: "Shared/WireProtocol", exclude: ["alphagrid.proto"]),
        .target(name: "Messaging", dependencies: ["ClusterModel", "CZeroMQ"], path: "Shared/Messaging"),
        .target(
            name: "Logs", dependencies: ["ClusterModel", .product(name: "Logging", package: "swift-log")], path: "Shared/Logs"),

        // Worker: takes leases, computes, returns partials.
        .target(name: "WorkerEngine", dependencies: ["ClusterModel"], path: "Worker/Engine"),
        .target(
            name: "WorkerRuntime",
            dependencies: [
                "ClusterModel", "Panel", "Kernels", "Clustering", "Embedding", "WireProtocol", "Messaging",
                "WorkerEngine",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Worker/Runtime"),
        .executableTarget(
            name: "alphagrid-worker",
            dependencies: [
                "ClusterModel", "Kernels", "Logs", "Messaging", "WorkerEngine", "WorkerRuntime",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Worker/App"),

        // Coordinator: plans, leases, merges, publishes, shows.
        .systemLibrary(
            name: "CLibpq", path: "Coordinator/CLibpq", pkgConfig: "libpq",
            providers: [.apt(["libpq-dev"])]),
        .target(
            name: "Scheduling",
            dependencies: ["ClusterModel", .product(name: "Collections", package: "swift-collections")],
            path: "Coordinator/Scheduling"),
        .target(
            name: "Expressions", dependencies: ["ClusterModel", .product(name: "Crypto", package: "swift-crypto")],
            path: "Coordinator/Expressions"),
        .target(
            name: "Jobs",
            dependencies: [
                "ClusterModel", "Panel", "CKernels", "Clustering", "Embedding",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            path: "Coordinator/Jobs"),
        .target(name: "GridMetrics", dependencies: ["ClusterModel"], path: "Coordinator/Metrics"),
        .target(
            name: "Store", dependencies: ["ClusterModel", "Panel", "CLibpq"],
            path: "Coordinator/Store"),
        .target(name: "LocalPostgres", dependencies: ["ClusterModel"], path: "Coordinator/LocalPostgres"),
        .target(
            name: "Service",
            dependencies: [
                "ClusterModel", "Panel", "Kernels", "WireProtocol", "Messaging", "WorkerEngine", "WorkerRuntime",
                "Scheduling", "Expressions", "Jobs", "GridMetrics", "Store",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Coordinator/Service"),
        .target(name: "Requests", dependencies: ["ClusterModel"], path: "Coordinator/Requests"),
        .target(name: "CDashboard", path: "Coordinator/Dashboard", exclude: ["page"]),
        .target(
            name: "API",
            dependencies: [
                "ClusterModel", "GridMetrics", "Panel", "Requests", "CDashboard",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Coordinator/API"),
        .executableTarget(
            name: "alphagrid",
            dependencies: [
                "ClusterModel", "Clustering", "Expressions", "Jobs", "Service", "Requests", "API", "Store", "LocalPostgres",
                "Panel", "Kernels", "Logs", "Messaging", "GridMetrics", "WorkerRuntime",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            path: "Coordinator/App"),

        // Tests: one folder per target, and the programs and helpers they share.
        .executableTarget(
            name: "alphagrid-synthetic",
            dependencies: ["ClusterModel", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Tests/SyntheticData"),
        .target(
            name: "Simulation",
            dependencies: [
                "ClusterModel", "Panel", "WireProtocol", "Scheduling", "Jobs", "WorkerEngine",
                .product(name: "Collections", package: "swift-collections"),
            ],
            path: "Tests/Simulation"),
        .executableTarget(
            name: "alphagrid-simulate", dependencies: ["ClusterModel", "Scheduling", "Simulation"],
            path: "Tests/SimulateTool"),
        .executableTarget(
            name: "alphagrid-crash",
            dependencies: [
                "ClusterModel", "Service", .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/CrashTool"),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "ClusterModel", "Panel", "Clustering", "Embedding", "WireProtocol", "WorkerEngine", "WorkerRuntime",
                "Scheduling", "Expressions", "Jobs", "Store", "Requests", "Service",
            ],
            path: "Tests/Fuzz"),
        .executableTarget(
            name: "alphagrid-fuzz", dependencies: ["ClusterModel", "FuzzTargets"], path: "Tests/FuzzTool"),
        .target(
            name: "APITestServer",
            dependencies: [
                "ClusterModel", "API",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Tests/APITestServer"),
        .testTarget(name: "PanelTests", dependencies: ["ClusterModel", "Panel"], path: "Tests/PanelTests"),
        .testTarget(
            name: "KernelsTests", dependencies: ["ClusterModel", "Panel", "Kernels", "CKernels"],
            path: "Tests/KernelsTests"),
        .testTarget(
            name: "ClusteringTests", dependencies: ["ClusterModel", "Clustering"], path: "Tests/ClusteringTests"),
        .testTarget(
            name: "EmbeddingTests", dependencies: ["ClusterModel", "Kernels", "Embedding"], path: "Tests/EmbeddingTests"),
        .testTarget(
            name: "ExpressionsTests", dependencies: ["ClusterModel", "Expressions"], path: "Tests/ExpressionsTests"),
        .testTarget(
            name: "WireProtocolTests",
            dependencies: [
                "ClusterModel", "WireProtocol", "CChecksum",
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            path: "Tests/WireProtocolTests"),
        .testTarget(
            name: "MessagingTests", dependencies: ["ClusterModel", "Messaging", "CZeroMQ"], path: "Tests/MessagingTests"),
        .testTarget(
            name: "LogsTests",
            dependencies: ["ClusterModel", "Logs", .product(name: "Logging", package: "swift-log")], path: "Tests/LogsTests"),
        .testTarget(name: "GridMetricsTests", dependencies: ["ClusterModel", "GridMetrics"], path: "Tests/GridMetricsTests"),
        .testTarget(
            name: "WorkerEngineTests", dependencies: ["ClusterModel", "WorkerEngine"], path: "Tests/WorkerEngineTests"),
        .testTarget(
            name: "WorkerRuntimeTests",
            dependencies: [
                "ClusterModel", "Panel", "Kernels", "Messaging", "WireProtocol", "WorkerEngine", "WorkerRuntime",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/WorkerRuntimeTests"),
        .testTarget(
            name: "SchedulingTests", dependencies: ["ClusterModel", "Scheduling"], path: "Tests/SchedulingTests"),
        .testTarget(
            name: "SimulationTests", dependencies: ["ClusterModel", "Scheduling", "Simulation"],
            path: "Tests/SimulationTests"),
        .testTarget(
            name: "JobsTests",
            dependencies: ["ClusterModel", "Clustering", "Embedding", "Jobs", "Kernels", "Panel", "WorkerRuntime"],
            path: "Tests/JobsTests"),
        .testTarget(
            name: "LocalPostgresTests", dependencies: ["ClusterModel", "LocalPostgres"], path: "Tests/LocalPostgresTests"),
        .testTarget(
            name: "StoreTests", dependencies: ["ClusterModel", "Panel", "Store", "LocalPostgres"], path: "Tests/StoreTests"),
        .testTarget(
            name: "ServiceTests",
            dependencies: [
                "ClusterModel", "Jobs", "Kernels", "LocalPostgres", "Messaging", "Panel", "Scheduling", "Service", "Store",
                "WireProtocol", "WorkerRuntime", .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/ServiceTests", exclude: ["peers"]),
        .testTarget(
            name: "FuzzTests", dependencies: ["ClusterModel", "FuzzTargets"], path: "Tests/FuzzTests",
            exclude: ["found"]),
        .testTarget(
            name: "APITests",
            dependencies: [
                "ClusterModel", "GridMetrics", "Requests", "CDashboard", "API", "APITestServer",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Tests/APITests"),
        .testTarget(
            name: "CommandLineTests",
            dependencies: [
                "ClusterModel", "Expressions", "Requests", "API", "APITestServer", "Messaging", "Panel", "Store", "Service",
                "alphagrid",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Tests/CommandLineTests"),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "ClusterModel", "LocalPostgres", "alphagrid", "alphagrid-worker", "alphagrid-synthetic", "alphagrid-crash",
            ],
            path: "Tests/EndToEndTests"),
        .testTarget(name: "HouseTests", path: "Tests/HouseTests"),
    ],
    swiftLanguageModes: [.v6]
)

for target in package.targets where [.regular, .executable, .test].contains(target.type) {
    var settings = target.swiftSettings ?? []
    settings += [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ]
    target.swiftSettings = settings
}
