namespace Mlops.Sdk.Testing;

/// <summary>A customer of a made-up shop, and what became of the visit.</summary>
/// <param name="At">When the visit was.</param>
/// <param name="Income">Log-normal with median 30,000; 2 % missing.</param>
/// <param name="Age">Normal, 45 ± 12, at least 18 and at most 95.</param>
/// <param name="Usage">Normal, 50 ± 10.</param>
/// <param name="Spend">Normal, 200 ± 40, correlated with <paramref name="Usage"/> by 0.8.</param>
/// <param name="Visits">Poisson with mean 3.</param>
/// <param name="Waiting">Exponential with mean 5.</param>
/// <param name="Rating">Two humps: 2 ± 0.5 in three rows of ten, 4 ± 0.5 in the others; 5 % missing.</param>
/// <param name="Region">North 40 %, South 25 %, East 20 %, West 10 %, Islands 4 %; 1 % missing.</param>
/// <param name="Channel">Web 60 %, App 30 %, Phone 10 %.</param>
/// <param name="Bought">The label of a binary model: yes with the probability <see cref="DriftingData.Probability"/> says while nothing drifts.</param>
/// <param name="Amount">The label of a regression: 100 plus 20 for each unit of the same effects, ± 10.</param>
public sealed record DriftingRow(
    DateTimeOffset At,
    double? Income,
    double? Age,
    double? Usage,
    double? Spend,
    double? Visits,
    double? Waiting,
    double? Rating,
    string? Region,
    string? Channel,
    bool Bought,
    double Amount);
