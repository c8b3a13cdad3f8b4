namespace Mlops.Sdk.Samples.DriftGate;

/// <summary>What the command line asks for.</summary>
internal sealed record GateArguments(string Reference, string Current, string? Html, string? Json, IReadOnlyList<string> Ignored)
{
    internal const int WrongUse = 2;

    internal string Name => $"{Path.GetFileName(Current)} against {Path.GetFileName(Reference)}";

    /// <summary>Reads the arguments, or says how they should be and answers with null.</summary>
    internal static GateArguments? Parse(string[] args, TextWriter errors)
    {
        var files = new List<string>();
        var ignored = new List<string>();
        string? html = null;
        string? json = null;
        string? problem = null;
        for (int i = 0; i < args.Length; i++)
        {
            if (!args[i].StartsWith("--", StringComparison.Ordinal))
            {
                files.Add(args[i]);
            }
            else if (i + 1 == args.Length)
            {
                problem = $"'{args[i]}' needs a value behind it.";
            }
            else
            {
                switch (args[i])
                {
                    case "--html":
                        html = args[++i];
                        break;
                    case "--json":
                        json = args[++i];
                        break;
                    case "--ignore":
                        ignored.Add(args[++i]);
                        break;
                    default:
                        problem = $"'{args[i++]}' is not known.";
                        break;
                }
            }
        }

        problem ??= files.Count == 2 ? null : $"Two files are needed, {files.Count} are named.";
        if (problem is null)
        {
            return new GateArguments(files[0], files[1], html, json, ignored);
        }

        errors.WriteLine(problem);
        errors.WriteLine("Usage: DriftGate reference.csv current.csv [--html report.html] [--json report.json] [--ignore column]...");
        errors.WriteLine("Ends with 0 when all is well, 1 on drift or failed data quality, 2 on wrong use or a file that does not read.");
        return null;
    }
}
