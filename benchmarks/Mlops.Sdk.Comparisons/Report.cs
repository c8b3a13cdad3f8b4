using System.Globalization;

namespace Mlops.Sdk.Comparisons;

/// <summary>Prints figures against their goals.</summary>
internal sealed class Report(string topic, TextWriter writer)
{
    /// <summary>Gets whether any figure is short of its goal.</summary>
    public bool IsShort { get; private set; }

    /// <summary>A figure that should be at least its goal.</summary>
    public void AtLeast(string figure, double value, double goal) => Add(figure, value, $">={Text(goal)}", value >= goal);

    /// <summary>A figure that should be at most its goal.</summary>
    public void AtMost(string figure, double value, double goal) => Add(figure, value, $"<={Text(goal)}", value <= goal);

    /// <summary>A figure for information.</summary>
    public void Note(string figure, double value) => writer.WriteLine($"{topic}.{figure} {Text(value)} - ok");

    private static string Text(double value) => value.ToString(Math.Abs(value) >= 100 ? "0" : "0.##", CultureInfo.InvariantCulture);

    private void Add(string figure, double value, string goal, bool ok)
    {
        IsShort |= !ok;
        writer.WriteLine($"{topic}.{figure} {Text(value)} {goal} {(ok ? "ok" : "short")}");
    }
}
