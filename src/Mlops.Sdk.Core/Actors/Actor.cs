namespace Mlops.Sdk;

/// <summary>Who does something: a person, a service or the library itself.</summary>
/// <param name="Id">A stable name, such as a user name or a service account; 1 to 256 characters.</param>
/// <param name="Kind">What kind of actor it is.</param>
/// <param name="Scheme">How the identity was established (<c>process</c>, <c>bearer</c>, <c>certificate</c>), or null when not known.</param>
/// <param name="OnBehalfOf">The id of the actor that this one acts for, or null.</param>
public sealed record Actor(string Id, ActorKind Kind = ActorKind.User, string? Scheme = null, string? OnBehalfOf = null)
{
    /// <summary>Gets the actor that stands for the library's own automatic work.</summary>
    public static Actor System { get; } = new("mlops-sdk", ActorKind.System, "process");

    /// <inheritdoc/>
    public override string ToString() => OnBehalfOf is null ? Id : $"{Id} for {OnBehalfOf}";
}

/// <summary>The kinds of actor.</summary>
public enum ActorKind
{
    /// <summary>A person.</summary>
    User,

    /// <summary>A program with an identity of its own.</summary>
    Service,

    /// <summary>The library itself, such as a scheduled check.</summary>
    System,
}

/// <summary>Tells who acts now. Web hosts answer with the caller of the request, programs with the process user.</summary>
public interface IActorAccessor
{
    /// <summary>Gets the actor of the current flow of execution.</summary>
    Actor Current { get; }
}
