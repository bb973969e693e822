import ClusterModel
import Scheduling
import Simulation

let first = UInt64(CommandLine.arguments.dropFirst().first ?? "0") ?? 0
let n = UInt64(CommandLine.arguments.dropFirst(2).first ?? "10") ?? 10
if n == 0 {
    for bug in PlantedBug.allCases {
        var o = SimulationOptions(); o.plantedBug = bug
        var caught: [UInt64] = []; var why = ""
        for s in 0..<500 { let r = simulate(seed: UInt64(s), options: o); if let v = r.violation { if why.isEmpty { why = v }; caught.append(UInt64(s)) } }
        print(bug, caught.count, caught.prefix(3), why.prefix(150))
    }
}
var events = 0
var bad = 0
var options = SimulationOptions()
options.isRecording = n == 1
var c = SchedulerCounters()
for s in first..<(first + n) {
    let o = simulate(seed: s, options: options)
    events += o.eventCount
    if n == 1 { for l in o.trace { print(l) } }
    for k in o.counters { c.leases += k.leases; c.speculativeLeases += k.speculativeLeases; c.attemptsAdopted += k.attemptsAdopted; c.tasksMerged += k.tasksMerged; c.tasksRequeued += k.tasksRequeued; c.tasksFailed += k.tasksFailed; c.partialsRejected += k.partialsRejected; c.resultsLateAccepted += k.resultsLateAccepted; c.resultsDropped += k.resultsDropped; c.resultsDeferred += k.resultsDeferred; c.workersJoined += k.workersJoined; c.workersLost += k.workersLost; c.workersRefused += k.workersRefused; c.messagesFromStrangers += k.messagesFromStrangers; c.alarms += k.alarms }
    if let v = o.violation { bad += 1; if bad < 20 { print(s, v, o.summary) } }
}
print(bad, "bad; events", events / max(1, Int(n)), c)
