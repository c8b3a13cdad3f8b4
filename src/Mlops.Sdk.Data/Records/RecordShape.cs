using System.Linq.Expressions;
using System.Reflection;

namespace Mlops.Sdk.Data;

/// <summary>A plain record or class seen as columns: one per public property, named after it. No attributes, no magic names.</summary>
/// <typeparam name="T">The record. Members may be numbers, bool, string, enums, DateOnly, DateTime, DateTimeOffset, each also nullable.</typeparam>
internal sealed class RecordShape<T>
{
    private static readonly Lazy<RecordShape<T>> Shared = new(() => new RecordShape<T>());
    private readonly Func<object?[], T> _make;

    private RecordShape()
    {
        var nullability = new NullabilityInfoContext();
        PropertyInfo[] properties = [.. typeof(T).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => p.GetMethod is not null && p.GetIndexParameters().Length == 0 && p.Name != "EqualityContract")
            .OrderBy(p => p.MetadataToken)];
        ConstructorInfo? constructor = typeof(T).GetConstructors()
            .OrderByDescending(c => c.GetParameters().Length)
            .FirstOrDefault(c => c.GetParameters().All(a => Find(properties, a.Name!) is not null));
        if (constructor is null)
        {
            throw new MlopsDataException("data.unsupported_type", $"{typeof(T).Name} has no public constructor whose parameters are its properties. Use a plain record.");
        }

        ParameterInfo[] parameters = constructor.GetParameters();
        properties = [.. properties.Where(p => p.SetMethod is { IsPublic: true } || parameters.Any(a => Find([p], a.Name!) is not null))];
        Members = [.. properties.Select(p => RecordMember.Of(p, nullability))];
        if (Members.Count == 0)
        {
            throw new MlopsDataException("data.unsupported_type", $"{typeof(T).Name} has no public property that can be set. Use a plain record such as record Trip(float Miles, string Vendor).");
        }

        ParameterExpression values = Expression.Parameter(typeof(object?[]));
        Expression Value(PropertyInfo p)
        {
            Expression element = Expression.ArrayIndex(values, Expression.Constant(Array.IndexOf(properties, p)));
            return Expression.Condition(Expression.ReferenceEqual(element, Expression.Constant(null)), Expression.Default(p.PropertyType), Expression.Convert(element, p.PropertyType));
        }

        NewExpression create = Expression.New(constructor, parameters.Select(a => Value(Find(properties, a.Name!)!)));
        IEnumerable<PropertyInfo> rest = properties.Where(p => p.SetMethod is { IsPublic: true } && parameters.All(a => Find([p], a.Name!) is null));
        _make = Expression.Lambda<Func<object?[], T>>(Expression.MemberInit(create, rest.Select(p => Expression.Bind(p, Value(p)))), values).Compile();
    }

    /// <summary>Gets the shape.</summary>
    /// <exception cref="MlopsDataException">The type cannot be columns; code <c>data.unsupported_type</c>.</exception>
    internal static RecordShape<T> Instance => Shared.Value;

    internal IReadOnlyList<RecordMember> Members { get; }

    /// <summary>Makes a record.</summary>
    /// <param name="values">A value per member; null for a missing one.</param>
    internal T Make(object?[] values) => _make(values);

    internal RecordMember? Find(string column) => Members.FirstOrDefault(m => ColumnNames.Same(m.Name, column));

    private static PropertyInfo? Find(IEnumerable<PropertyInfo> properties, string name) =>
        properties.FirstOrDefault(p => string.Equals(p.Name, name, StringComparison.OrdinalIgnoreCase));
}

/// <summary>How names in files and names of members meet: letters and digits count, case and everything else does not.</summary>
internal static class ColumnNames
{
    internal static bool Same(string a, string b) => string.Equals(Normalise(a), Normalise(b), StringComparison.Ordinal);

    internal static string Normalise(string name) => string.Concat(name.Where(char.IsLetterOrDigit).Select(char.ToLowerInvariant));

    /// <summary>Finds the name that looks most like one that was not found.</summary>
    internal static string? Nearest(string wanted, IEnumerable<string> names) =>
        names.Select(n => (Name: n, Distance: Distance(Normalise(wanted), Normalise(n)))).Where(n => n.Distance <= Math.Max(2, wanted.Length / 2)).OrderBy(n => n.Distance).Select(n => n.Name).FirstOrDefault();

    private static int Distance(string a, string b)
    {
        if (a.Length > 128 || b.Length > 128)
        {
            return int.MaxValue;
        }

        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)));
            }
        }

        return row[b.Length];
    }
}
