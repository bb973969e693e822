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
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Shared: what both programs are made of.
        .systemLibrary(
            name: "COpenBLAS", path: "Shared/COpenBLAS", pkgConfig: "openblas",
            providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(
            name: "CZeroMQ", path: "Shared/CZeroMQ", pkgConfig: "libzmq",
            providers: [.apt(["libzmq3-dev"])]),
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
        .target(
            name: "Kernels", dependencies: ["ClusterModel", "Panel", "CKernels", "COpenBLAS"],
            path: "Shared/Kernels"),
        .target(
            name: "WireProtocol",
            dependencies: ["ClusterModel", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
            path: "Shared/WireProtocol", exclude: ["alphagrid.proto"]),
        .target(name: "Messaging", dependencies: ["ClusterModel", "CZeroMQ"], path: "Shared/Messaging"),

        // Worker: takes leases, computes, returns partials.
        .target(name: "WorkerEngine", dependencies: ["ClusterModel"], path: "Worker/Engine"),
        .target(
            name: "WorkerRuntime",
            dependencies: [
                "ClusterModel", "Panel", "Kernels", "WireProtocol", "Messaging", "WorkerEngine",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Worker/Runtime"),
        .executableTarget(
            name: "alphagrid-worker",
            dependencies: [
                "WorkerRuntime",
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
            name: "Jobs",
            dependencies: ["ClusterModel", "Panel", .product(name: "Crypto", package: "swift-crypto")],
            path: "Coordinator/Jobs"),
        .target(
            name: "Store",
            dependencies: [
                "ClusterModel", "Panel", "CLibpq",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Coordinator/Store"),
        .target(name: "LocalPostgres", dependencies: ["ClusterModel"], path: "Coordinator/LocalPostgres"),
        .target(
            name: "Service",
            dependencies: [
                "ClusterModel", "Panel", "Kernels", "WireProtocol", "Messaging", "WorkerEngine", "WorkerRuntime",
                "Scheduling", "Jobs", "Store",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Coordinator/Service"),
        .target(
            name: "API",
            dependencies: [
                "ClusterModel",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Coordinator/API"),
        .executableTarget(
            name: "alphagrid",
            dependencies: [
                "Service", "API", "Store", "LocalPostgres", "Jobs", "Panel", "Kernels", "WorkerRuntime",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Coordinator/App"),
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
