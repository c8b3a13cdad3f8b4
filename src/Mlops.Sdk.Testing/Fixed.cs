using System.Globalization;

namespace Mlops.Sdk.Testing;

/// <summary>Ids in a row: a test sees the same ones every time. Thread-safe.</summary>
public sealed class SequentialIdGenerator : IIdGenerator
{
    private long _last;

    /// <inheritdoc/>
    public string NewId() => Interlocked.Increment(ref _last).ToString("x32", CultureInfo.InvariantCulture);
}

/// <summary>Answers with whoever a test says acts.</summary>
/// <param name="actor">The actor to start with.</param>
public sealed class FixedActorAccessor(Actor actor) : IActorAccessor
{
    /// <summary>Gets or sets who acts.</summary>
    public Actor Current { get; set; } = actor;
}
