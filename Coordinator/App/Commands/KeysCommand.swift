import API
import ArgumentParser
import ClusterModel
import Foundation
import Messaging

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Make, list and revoke the keys that workers show to the coordinator.",
        discussion: """
            A coordinator whose state folder has keys lets nobody in without one, and may listen beyond this machine. What \
            is added or revoked counts within two seconds, without a restart.

            Examples:
              alphagrid keys init
              alphagrid keys add host1 --out host1.key        then take the file there
              alphagrid-worker --connect tcp://COORDINATOR:5710 --key host1.key
              alphagrid keys revoke host1
            """,
        subcommands: [Init.self, Add.self, Revoke.self, List.self], defaultSubcommand: List.self)

    /// Which keys are meant.
    struct Place: ParsableArguments {
        @Option(help: ArgumentHelp("Folder of the keys (default: 'keys' in the state folder).", valueName: "dir"))
        var keys: String?

        @OptionGroup var state: StateOptions
        @OptionGroup var output: OutputOptions

        /// - Parameter makesState: whether a state folder that is not there is made.
        func store(makesState: Bool = false) throws(GridError) -> KeyStore {
            if let keys { return KeyStore(folder: KeyFolder(path: URL(fileURLWithPath: keys).standardizedFileURL.path)) }
            if makesState { _ = try StateDirectory(state.resolved()) }
            return KeyStore(folder: KeyFolder(path: "\(state.resolved())/keys"))
        }
    }

    /// A worker's key as it is shown; secrets are in files alone.
    struct View: Codable {
        var name: String
        var publicKey: String
        var added: String
        var revoked: String?
        /// The key file; only when it was just made.
        var file: String?

        init(_ record: KeyFolder.Record, file: String? = nil) {
            name = record.name
            publicKey = record.key.text
            added = record.added
            revoked = record.revoked
            self.file = file
        }
    }

    struct Init: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init", abstract: "Make the coordinator's key.",
            discussion: """
                From its next start on, the coordinator of this state folder lets in only workers with keys. Where the list of \
                workers is lost, it makes a new one and keeps the coordinator's key.

                Examples:
                  alphagrid keys init
                  alphagrid keys init --state /var/lib/alphagrid
                """)

        @OptionGroup var place: Place

        private struct Made: Codable {
            var folder: String
            var publicKey: String
        }

        func run() throws {
            let store = try place.store(makesState: true)
            let (key, isOld) = try store.makeCoordinatorKey()
            if isOld {
                StandardError.writeLine(
                    "the list of workers was lost and is empty now: admit each of their keys again with 'alphagrid keys add NAME "
                        + "--public-key KEY', where KEY is the field 'public' of the worker's key file; a coordinator that runs "
                        + "lets its workers go now, and they are to be started again then")
            }
            if place.output.isJSON {
                return try StandardOutput.writeJSON(Made(folder: store.folder.path, publicKey: key.text))
            }
            StandardOutput.write(
                "coordinator's key \(isOld ? "kept" : "made") in \(store.folder.path), public key \(key)\n")
        }
    }

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Make a worker's key file, and let its key in.",
            discussion: """
                The worker's id is NAME-PID, or whatever begins with NAME- or NAME. if --name says so. Take the file to the \
                worker's host by a way that nobody else can read. With --public-key, a key that was revoked is admitted again, \
                also where another coordinator's folder has revoked it.

                Examples:
                  alphagrid keys add host1
                  alphagrid keys add host1 --out /media/stick/host1.key
                  alphagrid keys add host1 --public-key "$(awk '/^public/ {print $2}' host1.key)"
                """)

        @Argument(help: "Whose key it is: letters, digits, dots, hyphens and underscores.")
        var name: String

        @Option(help: ArgumentHelp("Key file to write (default: NAME.key in this folder).", valueName: "file"))
        var out: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Admit this key, which its worker has already, instead of making one; no file is written.", valueName: "key"))
        var publicKey: String?

        @OptionGroup var place: Place

        func validate() throws {
            guard out == nil || publicKey == nil else {
                throw ValidationError("--out and --public-key do not go together: expected one of them")
            }
        }

        func run() throws {
            if let publicKey {
                let key = try PublicKey(parsing: publicKey, source: "--public-key")
                let record = try place.store().admit(name, key)
                if place.output.isJSON { return try StandardOutput.writeJSON(View(record)) }
                return StandardOutput.write("key of \(record.name) admitted, public key \(record.key)\n")
            }
            let file = URL(fileURLWithPath: out ?? "\(name).key").standardizedFileURL.path
            let record = try place.store().add(name, file: file)
            if place.output.isJSON { return try StandardOutput.writeJSON(View(record, file: file)) }
            StandardOutput.write("key of \(record.name) written to \(file), public key \(record.key)\n")
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke", abstract: "Let a worker's key in no more.",
            discussion: """
                A worker that shows it is dropped, and what it computes goes to others, whichever coordinator leads: this \
                folder's tells the database, and one with an older copy of it keeps the key out.

                Examples:
                  alphagrid keys revoke host1
                """)

        @Argument(help: "Whose key it is.")
        var name: String

        @OptionGroup var place: Place

        func run() throws {
            let record = try place.store().revoke(name)
            if place.output.isJSON { return try StandardOutput.writeJSON(View(record)) }
            StandardOutput.write("key of \(record.name) revoked\n")
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the keys of workers, revoked ones too.",
            discussion: """
                Examples:
                  alphagrid keys list
                  alphagrid keys list --json
                """)

        @OptionGroup var place: Place

        private struct Listed: Codable {
            var keys: [View]
        }

        func run() throws {
            let folder = try place.store().folder
            try folder.expectPrivate()
            let records = try folder.records()
            if place.output.isJSON { return try StandardOutput.writeJSON(Listed(keys: records.map { View($0) })) }
            guard !records.isEmpty else { return StandardError.writeLine("no keys: add one with 'alphagrid keys add NAME'") }
            StandardOutput.writeTable(
                TextTable(
                    [.init("NAME"), .init("PUBLIC KEY"), .init("ADDED"), .init("REVOKED")],
                    rows: records.map { [$0.name, $0.key.text, $0.added, $0.revoked ?? ""] }))
        }
    }
}
