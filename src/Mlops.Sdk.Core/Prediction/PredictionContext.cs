namespace Mlops.Sdk;

/// <summary>What a caller says about a call. All of it may be absent; the default says nothing.</summary>
/// <param name="Id">The caller's own id of the prediction, such as an order number: what the truth is joined by when it comes. At most 128 characters; null for none.</param>
/// <param name="Caller">Who asks, as a bounded set of names (an application, a tenant; not a person). At most 128 characters; null for nobody in particular.</param>
/// <param name="Route">The way the call took, such as <c>canary</c>. At most 64 characters; null for the only one.</param>
public readonly record struct PredictionContext(string? Id = null, string? Caller = null, string? Route = null);

/// <summary>One call as a whole: what use is counted by.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Version">The number of the version that answered; 0 when none did.</param>
/// <param name="Rows">How many rows were asked for.</param>
/// <param name="Elapsed">How long the call took.</param>
/// <param name="Error">The stable code or the type of the error that the caller got; null when it got answers.</param>
/// <param name="Context">What the caller said.</param>
public readonly record struct PredictionCall(string Model, int Version, int Rows, TimeSpan Elapsed, string? Error, PredictionContext Context);
