namespace Mlops.Sdk.Monitoring;

/// <summary>Keeps alerts quiet until a time: they are raised and written as ever, and handlers are not told.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Model">The model's name.</param>
/// <param name="Policy">The policy whose alerts are kept quiet, or a pattern with <c>*</c>; null for all.</param>
/// <param name="Segment">The segment, or a pattern with <c>*</c>; null for alerts of any.</param>
/// <param name="Until">When it ends.</param>
/// <param name="By">Who asked for it.</param>
/// <param name="Reason">Why.</param>
public sealed record AlertSilence(string Id, string Model, string? Policy, string? Segment, DateTimeOffset Until, string By, string Reason)
{
    internal bool Covers(MonitorAlert alert, DateTimeOffset at) => at < Until
        && (Policy is null || AlertJudge.Like(Policy, alert.Policy))
        && (Segment is null || (alert.Segment is not null && AlertJudge.Like(Segment, alert.Segment)));
}
