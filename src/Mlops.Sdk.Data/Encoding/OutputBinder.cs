using System.Linq.Expressions;
using System.Reflection;

namespace Mlops.Sdk.Data;

/// <summary>Turns a model's outputs into an answer. Immutable and thread-safe.</summary>
/// <typeparam name="TOut">
/// The answer: a plain record or struct. Each member is named after an output (<c>Score</c>, <c>Probability</c>, <c>PredictedLabel</c>) or
/// after the label, which stands for the predicted label; it is a float, double, decimal, int or bool. Or simply float, double or bool.
/// </typeparam>
public sealed class OutputBinder<TOut>
{
    private delegate TOut Reader(ReadOnlySpan<float> outputs);

    private static readonly MethodInfo ItemOf = typeof(OutputBinder<TOut>).GetMethod(nameof(At), BindingFlags.Static | BindingFlags.NonPublic)!;
    private readonly Reader _read;

    /// <summary>Prepares the conversion.</summary>
    /// <param name="schema">What the model gives.</param>
    /// <exception cref="MlopsDataException">A member matches no output; code <c>data.output_missing</c>.</exception>
    public OutputBinder(ModelSchema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        ParameterExpression outputs = Expression.Parameter(typeof(ReadOnlySpan<float>));
        Expression body;
        if (IsScalar(typeof(TOut)))
        {
            int index = typeof(TOut) == typeof(bool) ? IndexOf(schema, ModelOutputs.PredictedLabel) : Math.Max(IndexOf(schema, ModelOutputs.Probability), 0);
            body = Convert(Element(outputs, Math.Max(index, 0)), typeof(TOut));
        }
        else
        {
            ConstructorInfo? constructor = typeof(TOut).GetConstructors().Where(c => c.GetParameters().All(p => IsScalar(p.ParameterType))).OrderByDescending(c => c.GetParameters().Length).FirstOrDefault();
            ParameterInfo[] parameters = constructor?.GetParameters() ?? [];
            NewExpression create = constructor is null ? Expression.New(typeof(TOut)) : Expression.New(constructor, parameters.Select(p => Convert(Element(outputs, Require(schema, p.Name!)), p.ParameterType)));
            IEnumerable<PropertyInfo> rest = typeof(TOut).GetProperties().Where(p =>
                p.SetMethod is { IsPublic: true } && IsScalar(p.PropertyType) && !parameters.Any(a => string.Equals(a.Name, p.Name, StringComparison.OrdinalIgnoreCase)));
            body = Expression.MemberInit(create, rest.Select(p => Expression.Bind(p, Convert(Element(outputs, Require(schema, p.Name)), p.PropertyType))));
        }

        _read = Expression.Lambda<Reader>(body, outputs).Compile();
    }

    /// <summary>Converts outputs.</summary>
    /// <param name="outputs">The outputs in the schema's order, shape [outputs].</param>
    /// <returns>The answer.</returns>
    public TOut Read(ReadOnlySpan<float> outputs) => _read(outputs);

    private static float At(ReadOnlySpan<float> outputs, int index) => outputs[index];

    private static MethodCallExpression Element(ParameterExpression outputs, int index) => Expression.Call(ItemOf, outputs, Expression.Constant(index));

    private static bool IsScalar(Type type) => type == typeof(float) || type == typeof(double) || type == typeof(decimal) || type == typeof(int) || type == typeof(bool);

    private static Expression Convert(Expression value, Type type) => type == typeof(bool) ? Expression.NotEqual(value, Expression.Constant(0f)) : Expression.Convert(value, type);

    private static int Require(ModelSchema schema, string member)
    {
        int index = IndexOf(schema, ColumnNames.Same(member, schema.Label) ? ModelOutputs.PredictedLabel : member);
        index = index < 0 && ColumnNames.Same(member, schema.Label) ? IndexOf(schema, ModelOutputs.Score) : index;
        return index >= 0
            ? index
            : throw new MlopsDataException("data.output_missing", $"{typeof(TOut).Name}.{member} matches no output of the model, which gives {string.Join(", ", schema.Outputs)}. Name the member after one of them, or after the label '{schema.Label}'.");
    }

    private static int IndexOf(ModelSchema schema, string output)
    {
        for (int i = 0; i < schema.Outputs.Count; i++)
        {
            if (ColumnNames.Same(schema.Outputs[i], output))
            {
                return i;
            }
        }

        return -1;
    }
}
