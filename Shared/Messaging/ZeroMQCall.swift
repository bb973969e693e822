import CZeroMQ

/// A libzmq call that failed. The code is open: values this file does not know keep their number and libzmq's own text.
package struct ZeroMQError: Error, Equatable, Sendable, CustomStringConvertible {
    /// An `errno` value, or one of libzmq's own beyond 156384712.
    package struct Code: Hashable, Sendable {
        package let rawValue: Int32
        package static let again = Code(rawValue: EAGAIN)
        package static let hostUnreachable = Code(rawValue: EHOSTUNREACH)
        package static let addressInUse = Code(rawValue: EADDRINUSE)
        package static let addressNotAvailable = Code(rawValue: EADDRNOTAVAIL)
        package static let noSuchDevice = Code(rawValue: ENODEV)
        package static let permissionDenied = Code(rawValue: EACCES)
    }

    package let function: String
    package let code: Code
    /// What the call was about, such as an endpoint; may be empty.
    package let context: String

    package var description: String {
        let text = String(cString: zmq_strerror(code.rawValue))
        return context.isEmpty ? "\(function): \(text)" : "\(function)(\(context)): \(text)"
    }
}

/// The one way libzmq is called: names the function in the error and repeats the call when a signal interrupted it.
@discardableResult
func zmqCall(
    _ function: StaticString, _ context: @autoclosure () -> String = "", _ body: () -> Int32
) throws(ZeroMQError) -> Int32 {
    while true {
        let result = body()
        if result >= 0 { return result }
        let code = zmq_errno()
        if code == EINTR { continue }
        throw ZeroMQError(function: function.description, code: ZeroMQError.Code(rawValue: code), context: context())
    }
}

/// As `zmqCall`, for calls with `ZMQ_DONTWAIT`: nil when nothing could be done now, which is no error.
func zmqTry(_ function: StaticString, _ body: () -> Int32) throws(ZeroMQError) -> Int32? {
    do throws(ZeroMQError) {
        return try zmqCall(function, "", body)
    } catch {
        if error.code == .again { return nil }
        throw error
    }
}
