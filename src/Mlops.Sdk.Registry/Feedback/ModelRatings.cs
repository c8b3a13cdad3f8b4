namespace Mlops.Sdk.Registry;

/// <summary>How people rate a model.</summary>
/// <param name="Summary">The ratings in numbers, or null when there are none.</param>
/// <param name="Stars">How many people gave each number of stars, shape [5], from 1 star to 5.</param>
/// <param name="Ratings">The ratings, newest first, one a person.</param>
public sealed record ModelRatings(RatingSummary? Summary, IReadOnlyList<int> Stars, IReadOnlyList<ModelRating> Ratings);

/// <summary>What one person thinks of a model. Of several ratings by one person the last counts.</summary>
/// <param name="Stars">How good, from 1 to 5.</param>
/// <param name="By">Who.</param>
/// <param name="At">When, in UTC by the writer's clock.</param>
/// <param name="Reason">Why: the comment.</param>
/// <param name="Entry">The number of the ledger entry.</param>
public sealed record ModelRating(int Stars, Actor By, DateTimeOffset At, string Reason, long Entry);

/// <summary>Ratings in numbers.</summary>
/// <remarks>
/// With n(s) people who gave s stars, N of them all and one pretended vote for each number of stars, the shares have a Dirichlet
/// distribution with parameters n(s) + 1. The mean of the stars then has the expectation m = sum of s * (n(s) + 1) / (N + 5) and the
/// variance (sum of s^2 * (n(s) + 1) / (N + 5) - m^2) / (N + 6). The lower bound is m less 1.645 standard deviations, the one-sided
/// 95 % bound of the normal approximation: few ratings count for little, and many good ones stand before a single best one.
/// <para>Source: A. Gelman and others, Bayesian Data Analysis, 3rd edition, 2013, appendix A (moments of the Dirichlet distribution);
/// ranking by such a bound: E. Miller, Ranking Items With Star Ratings, 2014.</para>
/// </remarks>
/// <param name="Mean">The mean of the stars, from 1 to 5.</param>
/// <param name="Count">How many people rated, from 1.</param>
/// <param name="LowerBound">The lower bound of the mean, above 1 and below 5.</param>
public sealed record RatingSummary(double Mean, int Count, double LowerBound)
{
    internal const int MostStars = 5;
    private const double Z = 1.6448536269514722; // the 95 % point of the standard normal distribution

    /// <summary>Gets the lower bound of a model that nobody rated: 2.05, where the pretended votes alone put it.</summary>
    public static double Unrated { get; } = Bound([0, 0, 0, 0, 0]);

    /// <summary>Counts the stars.</summary>
    /// <param name="stars">How many people gave each number of stars, shape [5], from 1 star to 5.</param>
    /// <returns>The summary, or null when there are none.</returns>
    internal static RatingSummary? Of(ReadOnlySpan<int> stars)
    {
        long count = 0;
        long sum = 0;
        for (int i = 0; i < MostStars; i++)
        {
            count += stars[i];
            sum += (i + 1L) * stars[i];
        }

        return count == 0 ? null : new RatingSummary(sum / (double)count, (int)count, Bound(stars));
    }

    private static double Bound(ReadOnlySpan<int> stars)
    {
        double votes = 0;
        double mean = 0;
        double squares = 0;
        for (int i = 0; i < MostStars; i++)
        {
            double here = stars[i] + 1.0;
            votes += here;
            mean += (i + 1) * here;
            squares += (i + 1) * (i + 1) * here;
        }

        mean /= votes;
        return mean - (Z * Math.Sqrt(((squares / votes) - (mean * mean)) / (votes + 1)));
    }
}
