namespace Mlops.Sdk.Registry;

/// <summary>Keeps one copy of each short text of a view, up to a bound: owners, algorithms and names of metrics and parameters repeat in every version and run. Not thread-safe.</summary>
internal sealed class TextTable
{
    private const int MaxLength = 128;
    private const int MaxTexts = 100_000;
    private readonly HashSet<string> _texts = new(StringComparer.Ordinal);

    internal string Get(string text)
    {
        if (text.Length > MaxLength)
        {
            return text;
        }

        if (_texts.TryGetValue(text, out string? there))
        {
            return there;
        }

        if (_texts.Count < MaxTexts)
        {
            _texts.Add(text);
        }

        return text;
    }
}
