namespace Mlops.Sdk.Registry;

/// <summary>Somebody asks to be allowed to use a model. Of several by one person about one model the last stands.</summary>
/// <param name="Id">The request's id: that of its ledger entry.</param>
/// <param name="Entry">The number of that entry.</param>
/// <param name="Model">The model's name.</param>
/// <param name="By">Who asks.</param>
/// <param name="At">When, in UTC by the writer's clock.</param>
/// <param name="Reason">What for.</param>
public sealed record AccessRequest(string Id, long Entry, string Model, Actor By, DateTimeOffset At, string Reason)
{
    /// <summary>Gets the answer, or null while there is none.</summary>
    public AccessAnswer? Answer { get; init; }
}

/// <summary>The answer to a request. It is a word on the record and gives no right by itself: what an actor may do is decided by guards and policies.</summary>
/// <param name="Granted">Whether the answer is yes.</param>
/// <param name="Entry">The number of its ledger entry.</param>
/// <param name="By">Who answered; with a no by who asked, the request was withdrawn.</param>
/// <param name="At">When, in UTC by the writer's clock.</param>
/// <param name="Reason">Why.</param>
public sealed record AccessAnswer(bool Granted, long Entry, Actor By, DateTimeOffset At, string Reason);
