namespace Mlops.Sdk;

/// <summary>Answers with the user that runs the process.</summary>
public sealed class ProcessActorAccessor : IActorAccessor
{
    /// <inheritdoc/>
    public Actor Current { get; } = new(Environment.UserName is { Length: > 0 } user ? user : "unknown", ActorKind.User, "process");
}
