using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Mlops.Sdk.Registry;

/// <summary>What names, values and paths of runs must look like. Everything is checked before anything is stored, and again when it is read from the ledger.</summary>
internal static class TrackingRules
{
    internal const int MaxKey = 250;
    internal const int MaxValue = 8_000;
    internal const int MaxText = 4_000;
    internal const int MaxNote = 100_000;
    internal const int MaxBatch = 10_000;
    internal const int MaxSeries = 100_000;
    internal const int MaxPath = 1_024;

    internal static bool IsKey(string? key) => key is { Length: >= 1 and <= MaxKey } && IsText(key) && !key.Any(char.IsControl);

    internal static bool IsValue(string? value) => value is { Length: <= MaxValue } && IsText(value);

    /// <summary>Tells whether a text can be written as UTF-8 and read back the same.</summary>
    internal static bool IsText(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogate(text[i]) && !(char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[++i])))
            {
                return false;
            }
        }

        return true;
    }

    internal static void CheckKey(string what, string? key) => Require(IsKey(key), $"The name of a {what} is 1 to {MaxKey} characters without control characters; found {RegistryRules.Show(key)}.");

    internal static void CheckValue(string what, string key, string? value) => Require(
        IsValue(value), $"The value of {what} '{key}' is a text of at most {MaxValue} characters; found one of {value?.Length ?? 0}. Log what is longer as a file.");

    internal static void CheckText(string what, string? text, int most) => Require(
        text is not null && text.Length <= most && IsText(text), $"The {what} is a text of at most {most} characters; found one of {text?.Length ?? 0}.");

    internal static void CheckExperiment(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!RegistryRules.IsName(name))
        {
            throw new MlopsDataException("registry.invalid_name", $"An experiment's name is 1 to 128 letters, digits, '-', '_' or '.' and starts with a letter or digit; found {RegistryRules.Show(name)}.");
        }
    }

    internal static void CheckTags<T>(string what, IReadOnlyDictionary<string, T> values)
    {
        Require(values is { Count: <= MaxBatch }, $"At most {MaxBatch} {what}s are logged at once.");
        foreach ((string key, T value) in values)
        {
            CheckKey(what, key);
            if (value is not null || what != "tag")
            {
                CheckValue(what, key, value as string);
            }
        }
    }

    /// <summary>Checks the path of a run's file: the one place where such paths are resolved.</summary>
    /// <returns>Why it is none, or null.</returns>
    internal static string? WhyNoPath(string? path)
    {
        if (path is not { Length: >= 1 and <= MaxPath })
        {
            return $"it has {path?.Length ?? 0} characters, 1 to {MaxPath} are allowed";
        }

        foreach (string segment in path.Split('/'))
        {
            if (WhyNoSegment(segment) is { } reason)
            {
                return reason;
            }
        }

        return null;
    }

    internal static void CheckPath(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (WhyNoPath(path) is { } reason)
        {
            throw new MlopsDataException("tracking.invalid_path", $"{RegistryRules.Show(path)} is no path of a run's file: {reason}. Use names of letters, digits, blanks and -_.+=@,()[] joined by '/'.");
        }
    }

    /// <summary>Gives the name of the record log with a run's metrics: the run's id where that is an object key, otherwise its hash.</summary>
    internal static string LogOf(string runId) => !runId.StartsWith("h--", StringComparison.Ordinal) && ObjectKey.TryParse(runId, out _)
        ? $"metrics/{runId}"
        : $"metrics/h--{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(runId)))}";

    internal static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    internal static void Require(bool holds, string message)
    {
        if (!holds)
        {
            throw new MlopsDataException("tracking.invalid_value", message);
        }
    }

    private static string? WhyNoSegment(string segment)
    {
        if (segment.Length is 0 or > 255)
        {
            return segment.Length == 0 ? "it has an empty part" : "a part has more than 255 characters";
        }

        if (segment[0] is '.' or ' ' or '~' || segment[^1] is '.' or ' ')
        {
            return "a part starts with a dot, a blank or '~', or ends with a dot or a blank";
        }

        foreach (char c in segment)
        {
            // no letter of another script has a second form here: combining marks, surrogates and format characters are refused
            if (!(char.IsAsciiLetterOrDigit(c) || "-_.+=@,()[] ~".Contains(c, StringComparison.Ordinal) || (c > 0x7f && char.IsLetterOrDigit(c))))
            {
                return $"the character U+{(int)c:X4} is not allowed";
            }
        }

        string stem = segment.Split('.', 2)[0].TrimEnd().ToLowerInvariant();
        return stem is "con" or "prn" or "aux" or "nul" || (stem.Length == 4 && (stem.StartsWith("com", StringComparison.Ordinal) || stem.StartsWith("lpt", StringComparison.Ordinal)) && char.IsAsciiDigit(stem[3]))
            ? $"'{stem}' is a device name on Windows"
            : null;
    }
}
