import ClusterModel
import Messaging
import Testing
import WorkerRuntime

@Suite struct SettingsTests {
    private let endpoint = Endpoint(host: "127.0.0.1", port: 5710)

    @Test(
        "Sizes are read with and without units",
        arguments: [
            ("4GiB", 4 << 30), ("512MiB", 512 << 20), ("1.5KiB", 1_536), ("2GB", 2_000_000_000), ("1000000", 1_000_000),
            ("7B", 7), ("1TiB", 1 << 40),
        ] as [(String, Int)])
    func sizes(text: String, bytes: Int) throws {
        #expect(try ByteSize.parse(text, field: "--memory") == bytes)
    }

    @Test(
        "What is no size gets a sentence that names the flag",
        arguments: ["", "GiB", "4XB", "-1GiB", "0", "1e9", "4 GiB", "4GiBs", "nan", "9999999999999TiB", "1..5GiB", "+4GiB"])
    func wrongSizes(text: String) {
        let error = #expect(throws: GridError.self) { try ByteSize.parse(text, field: "--memory") }
        #expect(error?.kind == .usage)
        #expect(error?.message.hasPrefix("--memory '\(text)' is not valid") == true)
    }

    @Test("Sizes are written as short as they are exact")
    func sizeTexts() {
        #expect([4 << 30, 1_536 << 20, 1_025, 1 << 40].map(ByteSize.text) == ["4GiB", "1536MiB", "1025B", "1TiB"])
    }

    @Test("Slots, memory and name are checked, and the name has a default")
    func settings() throws {
        #expect(try WorkerSettings(coordinator: endpoint, slots: 3).credit == 8)
        #expect(try WorkerSettings(coordinator: endpoint, slots: 512).credit == Limits.creditPerWorkerMax)
        #expect(try WorkerSettings(coordinator: endpoint).worker.rawValue.contains("-"))
        #expect(throws: GridError.self) { try WorkerSettings(coordinator: endpoint, slots: 0) }
        #expect(throws: GridError.self) { try WorkerSettings(coordinator: endpoint, slots: 513) }
        #expect(throws: GridError.self) { try WorkerSettings(coordinator: endpoint, memoryBytes: 1 << 20) }
        for name in ["", "a b", "a\n", "é", String(repeating: "x", count: 201)] {
            #expect(throws: GridError.self) { try WorkerSettings(coordinator: endpoint, worker: name) }
        }
    }
}
