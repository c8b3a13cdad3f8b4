namespace Mlops.Sdk.Monitoring;

/// <summary>The truth about a prediction.</summary>
/// <param name="Id">The prediction's id, 1 to 128 characters.</param>
/// <param name="Number">The truth as a number: 1 and 0 for yes and no, the number of the class, or the number itself; NaN when <paramref name="Class"/> tells it.</param>
/// <param name="Class">The truth as the name of a class, at most 256 characters; null when <paramref name="Number"/> tells it.</param>
/// <param name="At">When it became known; null for now.</param>
/// <param name="Version">The number of the version whose prediction is meant; 0 for every version that was asked by this id.</param>
public readonly record struct ActualValue(string Id, double Number, string? Class = null, DateTimeOffset? At = null, int Version = 0);
