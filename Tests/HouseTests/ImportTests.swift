import Foundation
import Testing

@Suite struct ImportTests {
    let house: House
    init() throws { house = try House.shared.get() }

    @Test("Package.swift is read as it is meant: every target with its folder, and the known ones with what they import")
    func manifest() throws {
        #expect(house.targets.count >= 15)
        #expect(house.targets.allSatisfy { !$0.path.isEmpty })
        let store = try #require(house.targets.first { $0.name == "Store" })
        #expect(store.path == "Coordinator/Store")
        #expect(store.dependencies.starts(with: ["ClusterModel", "Panel", "CLibpq"]))
    }

    @Test("A target depends only on targets listed above it, and no target's folder is inside another's")
    func order() {
        let names = house.targets.map(\.name)
        var places: [String] = []
        for (index, target) in house.targets.enumerated() {
            for dependency in target.dependencies where names[index...].contains(dependency) {
                places.append("\(target.name) depends on \(dependency), which is not above it")
            }
            for other in house.targets where other.path.hasPrefix(target.path + "/") {
                places.append("\(other.path) is inside \(target.path)")
            }
        }
        expectNone(places, "targets out of order")
    }

    @Test("A file imports only the project's modules its target declares")
    func declaredImports() {
        let modules = Set(house.targets.map(\.module))
        var places: [String] = []
        for file in house.swift {
            guard let target = house.target(of: file) else { continue }
            let allowed = Set(target.dependencies.map { $0.replacingOccurrences(of: "-", with: "_") })
            for module in file.imports where modules.contains(module) && !allowed.contains(module) {
                places.append("\(file.path) imports \(module)")
            }
        }
        expectNone(places, "imports that Package.swift does not declare")
    }

    @Test(
        "Each C library, and each library that would spread, is imported by the targets that own it alone",
        arguments: [
            ("CLibpq", ["Store"]), ("CZeroMQ", ["Messaging"]), ("COpenBLAS", ["Kernels"]), ("CZlib", ["Panel"]),
            // Jobs select their medians and find the moments behind risk parity with the vector loops of the kernels.
            ("CKernels", ["Kernels", "Jobs"]), ("CChecksum", ["WireProtocol"]), ("CDashboard", ["API"]),
            ("SwiftProtobuf", ["WireProtocol"]), ("Hummingbird", ["API"]),
        ])
    func quarantine(module: String, owners: [String]) {
        let users = house.product.filter { $0.imports.contains(module) }
        #expect(!users.isEmpty, "nobody imports \(module)")
        let strangers = users.filter { !owners.contains(house.target(of: $0)?.name ?? "") }
        expectNone(strangers.map(\.path), "\(module) belongs to \(owners.joined(separator: ", "))")
    }

    @Test("The shared vocabulary and the machines know no Foundation, no logger and no dispatch queue")
    func pureTargets() {
        let forbidden: Set<String> = ["Foundation", "FoundationEssentials", "Dispatch", "Logging"]
        let places = house.product.filter {
            $0.path.hasPrefix("Shared/ClusterModel/") || $0.path.hasPrefix("Coordinator/Scheduling/")
                || $0.path.hasPrefix("Worker/Engine/")
        }.filter { !forbidden.isDisjoint(with: $0.imports) }
        expectNone(places.map(\.path), "imports of the outer world in a pure target")
    }
}
