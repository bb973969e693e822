import ClusterModel
import Expressions
import Testing

@Suite struct CatalogueTests {
    @Test("The list that comes with the program is read whole, with arguments for nearly all")
    func standard() throws {
        let catalogue = OperatorCatalogue.standard
        #expect(catalogue.operators.count == 87)
        #expect(catalogue.operators.map(\.name) == catalogue.operators.map(\.name).sorted())
        #expect(catalogue.operators.allSatisfy { !$0.category.isEmpty })
        let unknown = catalogue.operators.filter { $0.signature == nil }.map(\.name)
        #expect(
            unknown == ["in", "reduce_avg", "reduce_ir", "reduce_max", "reduce_min", "reduce_stddev", "reduce_sum", "self_corr"])
        #expect(catalogue.find("Ts_ArgMax")?.name == "ts_arg_max")
        #expect(catalogue.find("IndNeutralize")?.name == "group_neutralize")
        #expect(catalogue.find("ts_argument") == nil)
    }

    @Test(
        "Lists are objects with operators, bare arrays, or names alone",
        arguments: [
            #"{"operators": [{"name": "rank", "category": "C", "definition": "rank(x, rate=2)"}, {"name": "Abs"}], "count": 2}"#,
            #"[{"name": "rank", "category": "C", "definition": "rank(x, rate=2)", "level": "ALL", "scope": ["A"]}, "abs"]"#,
        ])
    func shapes(json: String) throws {
        let catalogue = try OperatorCatalogue(json: json)
        #expect(catalogue.operators.map(\.name) == ["abs", "rank"])
        #expect(catalogue.find("RANK")?.category == "C")
        #expect(catalogue.find("rank")?.signature?.arguments.map(\.name) == ["x", "rate"])
        #expect(catalogue.find("abs")?.signature == nil)
    }

    @Test("A list of names is enough to know operators by")
    func names() throws {
        let catalogue = try OperatorCatalogue(json: #"["ts_new", "rank", "rank"]"#)
        #expect(catalogue.operators == [Operator(name: "rank"), Operator(name: "ts_new")])
        #expect(catalogue.validate(try Program.parse("ts_new(rank(1, 2, 3), z = 4)")).isEmpty)
        #expect(catalogue.validate(try Program.parse("ts_mean(a, 2) + b")).map(\.name) == ["ts_mean"])
    }

    @Test(
        "A list that is none is refused with what is wrong in it",
        arguments: [
            ("", "the list of operators is not JSON"), ("[", "the list of operators is not JSON"),
            ("{}", "the list of operators is neither an array nor an object with an array 'operators'"),
            ("\"rank\"", "the list of operators is neither an array nor an object with an array 'operators'"),
            ("[1]", "element 1 of the list of operators is neither a name nor an object with a 'name'"),
            (
                "[\"rank\", {\"title\": \"abs\"}]",
                "element 2 of the list of operators is neither a name nor an object with a 'name'"
            ),
            ("{\"operators\": [\"rank\"], \"count\": 2}", "the list of operators has 'count' 2, but 1 elements"),
        ])
    func broken(json: String, message: String) throws {
        let error = try #require(throws: GridError.self) { try OperatorCatalogue(json: json) }
        #expect(error.message.hasPrefix(message), "\(error.message)")
        #expect(error.kind == .usage)
    }

    @Test("Definitions say names, defaults and kinds of arguments")
    func definitions() throws {
        let rank = try #require(OperatorSignature(definition: "ts_rank(x, d, constant = 0)"))
        #expect(
            rank.arguments == [
                OperatorArgument(name: "x", kind: .value), OperatorArgument(name: "d", kind: .value),
                OperatorArgument(name: "constant", kind: .number, defaultText: "0"),
            ])
        #expect(!rank.takesMore)
        let product = try #require(OperatorSignature(definition: "multiply(x ,y, ... , filter=false), x * y"))
        #expect(product.arguments.map(\.name) == ["x", "y", "filter"])
        #expect(product.arguments.map(\.kind) == [.value, .value, .boolean])
        #expect(product.takesMore)
        let bucket = try #require(
            OperatorSignature(definition: "bucket(rank(x), range=\"0, 1, 0.1\" or buckets = \"2,5,6\", k = NAN)"))
        #expect(bucket.arguments.map(\.name) == ["rank(x)", "range", "buckets", "k"])
        #expect(bucket.arguments.map(\.defaultText) == [nil, "0, 1, 0.1", "2,5,6", "NAN"])
        #expect(bucket.arguments.map(\.kind) == [.value, .word, .word, .value])
        #expect(OperatorSignature(definition: "quantile(x, driver = gaussian)")?.arguments.last?.kind == .word)
        let backfill = try #require(OperatorSignature(definition: "ts_backfill(x,lookback = d, k=1, ignore=\"NAN\")"))
        #expect(backfill.arguments.map(\.kind) == [.value, .value, .number, .value])
        #expect(OperatorSignature(definition: "now()")?.arguments == [])
        #expect(OperatorSignature(definition: "input1 < input2") == nil)
        #expect(OperatorSignature(definition: "rank(x") == nil)
    }

    @Test(
        "Lists of data fields are objects with fields or results, arrays, or names",
        arguments: [
            #"{"fields": [{"id": "close", "category": "pv", "dataset": "pv1", "type": "MATRIX"}, "adv20"]}"#,
            #"{"results": ["adv20", {"id": "close", "category": {"id": "pv"}, "dataset": {"id": "pv1"}, "type": "MATRIX"}]}"#,
            #"["adv20", {"id": "close", "category": "pv", "dataset": "pv1", "type": "MATRIX", "coverage": 0.9}]"#,
        ])
    func fields(json: String) throws {
        let list = try FieldList(json: json)
        #expect(
            list.fields == [DataField(name: "adv20"), DataField(name: "close", category: "pv", dataset: "pv1", type: "MATRIX")])
        #expect(list.find("adv37")?.name == "adv37")
        #expect(list.find("adv") == nil && list.find("advx") == nil && list.find("Close") == nil)
    }
}
